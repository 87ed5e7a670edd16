"""Pictures of sets that have grown or have another id by now: given the new name, or removed when the new one is there.

The id of a set may change as photos arrive: alone in a folder it has that one's name, beside others its first file's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deepfuse.batch.choices import FILE, read_choices, rename_choice
from deepfuse.batch.record import FOLDER, Record, name_below, read_details, read_record, seen, stat_of, write_record
from deepfuse.batch.thumbnails import thumbnail_file
from deepfuse.batch.work import Job
from deepfuse.bracket import BracketFiles, printable
from deepfuse.errors import DeepfuseError


@dataclass(frozen=True)
class Superseded:
    """The record of an earlier set, and the set that its frames are of now."""

    path: Path
    record: Record
    job: Job


def superseded(output: Path, jobs: Sequence[Job], ids: Sequence[str]) -> list[Superseded]:
    """The records in an output folder of sets that are none any more, but parts of others.

    Args:
        output: the folder.
        jobs: the sets that are whole now.
        ids: of all sets that are found now.
    """
    by_id = {job.scene: job for job in jobs}
    inputs = {scene: job.inputs for scene, job in by_id.items()}
    return [Superseded(path, record, by_id[scene]) for path, record, scene in _taken(output, inputs, ids)]


def choices_now(output: Path, brackets: Sequence[BracketFiles]) -> dict[str, dict[str, Any]]:
    """What is chosen for each set, also under an id that the set had when its picture was made.

    Raises:
        LookError: as `read_choices`.
    """
    choices = read_choices(output / FILE)
    files = {one.scene: one.files for one in brackets}
    for path, _, scene in _taken(output, files, [*files]) if choices else ():
        if path.stem in choices:
            choices.setdefault(scene, choices[path.stem])
    return choices


def _taken(output: Path, files: Mapping[str, Sequence[Path]], ids: Sequence[str]) -> Iterator[tuple[Path, Record, str]]:
    """The records of sets that are none any more, and the set, by its id, that has files of each."""
    places = {seen(stat_of(file)): scene for scene, ones in files.items() for file in ones if file.is_file()}
    for path in sorted((output / FOLDER).glob("*.json")):
        record = read_record(path) if path.stem not in ids else None
        if record is None or not record.output:
            continue
        taken = [scene for one in record.inputs if (scene := places.get(seen(one)))]
        if taken and not _elsewhere(path, files[taken[0]]):
            yield path, record, taken[0]


def _elsewhere(path: Path, files: Sequence[Path]) -> bool:
    """Whether a record tells of copies of a set's frames in another folder, which are there too."""
    own = {printable(str(file.resolve())) for file in files}
    frames = map(Path, read_details(path).get("files", ()))
    there = {printable(str(file.resolve())) for file in frames if file.is_file()}
    return bool(there) and not there & own


def renamed(output: Path, jobs: Sequence[Job], ids: Sequence[str]) -> Iterator[Superseded]:
    """Those of them whose frames are all of one set: its picture is theirs from then on, under the set's name."""
    yield from filter(rename, superseded(output, jobs, ids))


def rename(old: Superseded) -> bool:
    """Give the files of an earlier set the names of the set that has the same frames; whether they have them.

    Killed in between, it is done to its end the next time.
    """
    job, record = old.job, old.record
    try:
        outputs = job.outputs
    except DeepfuseError:  # its worker will say so
        return False
    sources = [job.out / one.file for one in record.made]
    pairs = list(zip(sources, outputs, strict=False))
    same = [(one.file, one.sha256) for one in record.inputs] == [_named(file, record) for file in job.inputs]
    if not same or len(sources) != len(outputs) or sources[0].suffix != outputs[0].suffix:
        return False
    if any(target != source and os.path.lexists(target) and os.path.lexists(source) for source, target in pairs):
        return False
    values = read_details(old.path)
    made = [
        {**asdict(one), "file": name_below(job.out, target)} for one, target in zip(record.made, outputs, strict=True)
    ]
    values |= {"set": job.scene, "output": made[0], "masks": made[1:]}
    values["key"] = {**values["key"], "output": name_below(job.out, job.output)}
    write_record(job.record, values)
    for source, target in pairs:
        target.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # it was renamed before this was killed
            source.rename(target)
    with suppress(FileNotFoundError):
        thumbnail_file(job.out, old.path.stem).rename(thumbnail_file(job.out, job.scene))
    rename_choice(job.out / FILE, old.path.stem, job.scene)
    old.path.unlink()
    return True


def _named(file: Path, record: Record) -> tuple[str, str]:
    """A file's name and the hash of what it held, as it seems to be unchanged."""
    known = {seen(one): one.sha256 for one in record.inputs}
    now = stat_of(file)
    return now.file, known.get(seen(now), "")


def remove(old: Superseded, kept: Sequence[Path]) -> Iterator[Path]:
    """Remove the files of an earlier set that are as a batch left them, and its record; yields those that are not.

    Args:
        old: the set.
        kept: files of sets that are there now.
    """
    for one in old.record.made:
        path = old.job.out / one.file
        if path in kept or not os.path.lexists(path):
            continue
        if old.record.wrote(path, old.job.out):
            path.unlink()
        else:
            yield path
    thumbnail_file(old.job.out, old.path.stem).unlink(missing_ok=True)
    rename_choice(old.job.out / FILE, old.path.stem, old.job.scene)
    old.path.unlink()
