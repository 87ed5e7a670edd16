"""Pictures of sets that have grown or have another id by now: given the new name, or removed when the new one is there.

The id of a set may change as photos arrive: alone in a folder it has that one's name, beside others its first file's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from deepfuse.batch.record import FOLDER, Record, name_below, read_details, read_record, seen, stat_of, write_record
from deepfuse.batch.thumbnails import thumbnail_file
from deepfuse.batch.work import Job
from deepfuse.bracket import printable
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
    places = {seen(stat_of(file)): job for job in jobs for file in job.inputs if file.is_file()}
    old = [path for path in (output / FOLDER).glob("*.json") if path.stem not in ids]
    found = []
    for path in old:
        record = read_record(path)
        if record is None or not record.output:
            continue
        taken = [job for one in record.inputs if (job := places.get(seen(one)))]
        if taken and not _elsewhere(path, taken[0]):
            found.append(Superseded(path, record, taken[0]))
    return found


def _elsewhere(path: Path, job: Job) -> bool:
    """Whether a record tells of copies of a set's frames in another folder, which are there too."""
    own = {printable(str(file.resolve())) for file in job.files}
    files = map(Path, read_details(path).get("files", ()))
    there = {printable(str(file.resolve())) for file in files if file.is_file()}
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
    old.path.unlink()
