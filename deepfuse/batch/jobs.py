"""The sets of a batch as jobs: one place says where a picture goes and how it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deepfuse import __version__
from deepfuse.batch.choices import Choice, chosen
from deepfuse.batch.work import Job
from deepfuse.bracket import printable
from deepfuse.job.options import FuseOptions


@dataclass(frozen=True)
class Making:
    """How the pictures of a batch are made.

    Attributes:
        output: the folder they go to.
        format: their suffix without the dot: tif, png or jpg.
        options: of all sets that `choices` says nothing else of.
        model: the folder of the network.
        model_name: as its user calls it.
        model_sha256: of its weights, in hexadecimal.
        names: of pictures, by the id of their set, below `output` and without suffix; the id where there is none.
        choices: what is chosen for single sets, by id.
        force: whether files may be overwritten that no batch wrote.
        measure: whether records have measures of the pictures, reduced.
    """

    output: Path
    format: str
    options: FuseOptions
    model: Path
    model_name: str
    model_sha256: str
    names: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, Choice] = field(default_factory=dict)
    force: bool = False
    measure: bool = False

    def job(self, scene: str, files: Sequence[Path], *, evidence: str, why: str, warnings: Sequence[str]) -> Job:
        """One set's job, with the words of its grouping.

        Raises:
            LookError: its choice is none.
        """
        return Job(
            scene=scene,
            files=tuple(files),
            output=self.output / f"{self.names.get(scene, scene)}.{self.format}",
            options=chosen(self.options, self.choices.get(scene, {})),
            model=self.model,
            model_name=self.model_name,
            model_sha256=self.model_sha256,
            version=__version__,
            grouping={"evidence": evidence, "why": why, "warnings": [printable(text) for text in warnings]},
            force=self.force,
            measure=self.measure,
            folder=self.output,
        )
