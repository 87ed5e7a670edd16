"""How the pictures of sets are made now: with what is chosen, by which model, under which names."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepfuse.batch import (
    FILE,
    Job,
    Making,
    choices_now,
    chosen,
    picture_names,
    read_choices,
    read_naming,
    write_choices,
)
from deepfuse.bracket import BracketFiles
from deepfuse.job.options import FuseOptions
from deepfuse.web.model import ModelInUse
from deepfuse.web.sets import PhotoSet, Sets


@dataclass(frozen=True)
class Place:
    """Where photos lie, and where pictures go and in which format: tif, png or jpg."""

    source: Path | None
    output: Path
    format: str


class Jobs:
    """Jobs of sets; several threads may ask and choose.

    Args:
        place: where from and where to. Pictures are named as those that are there, which a batch may have named.
        sets: all that there are.
        model: the one that counts.
        options: of all sets, where nothing else is chosen.
    """

    def __init__(self, place: Place, sets: Sets, model: ModelInUse, options: FuseOptions) -> None:
        self._place, self._sets, self._model, self._options = place, sets, model, options
        self._choices = read_choices(place.output / FILE)
        self._names: dict[str, str] = {}
        self._followed = -1
        self._lock = threading.Lock()

    def choice(self, scene: str) -> dict[str, Any]:
        """What is chosen for a set."""
        with self._lock:
            self._follow()
            return dict(self._choices.get(scene, {}))

    def choose(self, scenes: Sequence[str], choice: dict[str, Any]) -> None:
        """Choose how sets are made, and keep it in OUT/looks.toml.

        Raises:
            LookError: it is no choice.
        """
        chosen(self._options, choice)
        with self._lock:
            self._follow()
            self._choices |= dict.fromkeys(scenes, choice)
            write_choices(self._place.output / FILE, self._choices)

    def of(self, one: PhotoSet, *, force: bool = False) -> Job:
        """How a set's picture is made now."""
        model = self._model.current()
        with self._lock:
            self._follow()
            choices, names = dict(self._choices), self._names
        making = Making(
            output=self._place.output,
            format=self._place.format,
            options=self._options,
            model=model.folder,
            model_name=model.name,
            model_sha256=model.sha256,
            names=names,
            choices=choices,
            force=force,
            measure=True,
        )
        return making.job(one.scene, one.files, evidence=one.evidence, why=one.why, warnings=one.warnings)

    def _follow(self) -> None:
        """Names of pictures, and what is chosen for sets, as the sets are now."""
        changes = self._sets.changes
        if changes != self._followed:
            output, brackets = self._place.output, [BracketFiles(one.scene, one.files) for one in self._sets.all()]
            self._names = picture_names(read_naming(output), brackets, self._place.source, output)
            self._choices = choices_now(output, brackets) | self._choices
            self._followed = changes
