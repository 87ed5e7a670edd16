"""One set of a batch, in a worker process: developed, aligned, fused and written, or failed with a reason."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from deepfuse.batch.record import (
    FOLDER,
    Content,
    Outcome,
    Record,
    content_of,
    finished,
    name_below,
    read_record,
    renew_inputs,
    write_record,
)
from deepfuse.batch.second_look import laid_before
from deepfuse.batch.thumbnails import keep_thumbnail
from deepfuse.bracket import printable
from deepfuse.errand import versions
from deepfuse.errors import DeepfuseError, PhotoError
from deepfuse.files import remove_abandoned, replacing
from deepfuse.heap import lacks_memory
from deepfuse.job.fuse import Fused, fuse_prepared
from deepfuse.job.masks import mask_files
from deepfuse.job.options import FuseOptions
from deepfuse.job.prepare import prepare
from deepfuse.job.record import UsedModel
from deepfuse.metadata.reading import sidecar_of
from deepfuse.model import Network, read_model
from deepfuse.monitoring.pictures import keep_picture, measured
from deepfuse.monitoring.records import Row, keep
from deepfuse.photo import check_file, encoded, written_file


@dataclass(frozen=True)
class Job:
    """One set: its files, where its picture goes, how it is made, and what the record says of why it is a set.

    `folder` is that of the batch, where it is not that of the picture; `model` is a folder, `model_name` what the user
    called it, `model_sha256` the hash of its weights; `force` allows to overwrite what another program wrote; `measure`
    asks for measures of the picture, reduced, in its record.
    """

    scene: str
    files: tuple[Path, ...]
    output: Path
    options: FuseOptions
    model: Path
    model_name: str
    model_sha256: str
    version: str
    grouping: dict[str, Any]
    force: bool = False
    measure: bool = False
    folder: Path | None = None

    @property
    def out(self) -> Path:
        """The folder of the batch."""
        return self.folder or self.output.parent

    @property
    def inputs(self) -> tuple[Path, ...]:
        """What it is made of: the frames, and the XMP files beside them that tell of them."""
        return (*self.files, *filter(None, map(sidecar_of, self.files)))

    @property
    def record(self) -> Path:
        """Where its record lies."""
        return self.out / FOLDER / f"{self.scene}.json"

    @property
    def masks(self) -> tuple[Path, ...]:
        """Where its masks go, where they are wanted."""
        return mask_files(self.output, self.files, self.options)

    @property
    def outputs(self) -> tuple[Path, ...]:
        """All that is written for those who look into the folder."""
        return (self.output, *self.masks)

    @property
    def key(self) -> dict[str, Any]:
        """What decides on the picture besides the frames, as JSON values."""
        options = asdict(self.options)
        return {"output": name_below(self.out, self.output), "options": options, "model_sha256": self.model_sha256,
                "version": self.version}  # fmt: skip

    @property
    def finished(self) -> bool:
        """Whether its picture is there already, by sizes and times alone."""
        try:
            outputs = self.outputs
        except DeepfuseError:  # its worker will say so
            return False
        return finished(read_record(self.record), self.key, self.inputs, outputs, self.out)

    @property
    def kept(self) -> str:
        """Why it is not made: somebody changed its picture; nothing where nobody did, or that is no matter."""
        try:
            before, outputs = None if self.force else read_record(self.record), self.outputs
        except DeepfuseError:  # its worker will say so
            return ""
        changed = next((path for path in outputs if before and before.changed(path, self.out)), None)
        return f"{name_below(self.out, changed)}: changed since it was made; --force makes it anew" if changed else ""


def fuse_set(job: Job) -> Outcome:
    """Fuse one set, unless its frames turn out to hold what they held when its picture was made."""
    begun = time.perf_counter()
    try:
        return replace(_fuse_set(job), seconds=time.perf_counter() - begun)
    except DeepfuseError as error:
        return fail(job, str(error))
    except Exception as error:  # whatever a library does on one set, the others go on
        if not lacks_memory(error):
            return fail(job, f"{type(error).__name__}: {error}")
    raise MemoryError  # another one, for the traceback of that one holds what was too much


def fail(job: Job, reason: str) -> Outcome:
    """Keep a failure; what was made of this set before stays known, so that it can be made again.

    Where it cannot be kept, be it for something else under the record's name, the outcome alone tells.
    """
    before = read_record(job.record)
    values: dict[str, Any] = {"set": job.scene, "status": "failed", "reason": printable(reason), "key": job.key}
    values |= {"files": [printable(str(path)) for path in job.files], "grouping": job.grouping, "inputs": []}
    values |= {"output": None, "earlier": _earlier(job, before)}
    try:
        write_record(job.record, values)
    except OSError as error:
        reason = f"{reason}; no record could be written: {error.strerror or error}"
    keep(_refusal(job, reason))
    return Outcome(job.scene, "failed", printable(reason))


def _refusal(job: Job, reason: str) -> Row:
    """A failure for those who watch, without the folders that its files lie in."""
    for folder in {path.parent for path in job.files}:
        reason = reason.replace(f"{folder}/", "")
    return Row(
        source="batch",
        status="refused",
        scene=job.scene,
        model=printable(job.model_name),
        model_sha256=job.model_sha256,
        version=job.version,
        frames=len(job.files),
        reason=reason,
    )


def _fuse_set(job: Job) -> Outcome:
    if kept := job.kept:
        return Outcome(job.scene, "kept", kept)
    for path in job.files:
        check_file(path)
    before, contents = read_record(job.record), tuple(map(content_of, job.inputs))
    same = before if before and _hashes(contents) == _hashes(before.inputs) else None
    if before and same:
        before = replace(before, inputs=contents)  # touched or moved, not changed
        if finished(before, job.key, job.inputs, job.outputs, job.out):
            renew_inputs(job.record, contents)
            return Outcome(job.scene, "finished")
    check_overwriting(job, before)
    _make_folder(job)
    used = UsedModel(printable(job.model_name), job.model_sha256)
    bracket = prepare(job.files, job.options, job.output, earlier=laid_before(same, job.key, len(job.files)))
    fused = fuse_prepared(bracket, _model(job.model), job.options, suffix=job.output.suffix, used=used)
    values: dict[str, Any] = {"set": job.scene, "status": "done", "key": job.key}
    values |= {
        "files": [printable(str(path)) for path in job.files],
        "grouping": job.grouping,
        **fused.record.as_json(),
        "versions": versions(),
    }
    values |= {"inputs": [asdict(content) for content in contents], "earlier": _earlier(job, before)}
    if job.measure:
        values["measures"] = measured(bracket.aligned, fused)
    _write(job, fused, values)
    keep_thumbnail(job.out, job.scene, fused)
    keep_picture("batch", job.scene, used, job.version, bracket, fused)
    return Outcome(job.scene, "done", warnings=fused.record.warnings)


def _hashes(contents: Sequence[Content]) -> list[str]:
    return [content.sha256 for content in contents]


def _make_folder(job: Job) -> None:
    """That of the picture, without what a killed process left half-written in it."""
    if (folder := job.output.parent) != job.out:
        folder.mkdir(parents=True, exist_ok=True)
        remove_abandoned(folder)


def check_overwriting(job: Job, before: Record | None) -> None:
    """Make sure that what lies under the names of the outputs was written by a batch and not changed since.

    Raises:
        PhotoError: it may be somebody's work.
    """
    for path in () if job.force else job.outputs:
        if os.path.lexists(path) and not (before and before.wrote(path, job.out)):
            raise PhotoError(f"{path}: exists, and is not as a batch left it; it is not overwritten without --force")


def _earlier(job: Job, before: Record | None) -> list[dict[str, Any]]:
    """What a batch wrote for this set, and is still there: known as its own, it may be written again.

    Of what somebody changed since, it is known what it held.
    """
    known = {one.file: one for one in (*before.earlier, *before.made)} if before else {}
    there = {one: path for name, one in known.items() if (path := job.out / name).is_file()}
    ours = {one: bool(before and before.wrote(path, job.out)) for one, path in there.items()}
    return [asdict(content_of(path) if ours[one] else one) | {"file": one.file} for one, path in there.items()]


def _write(job: Job, fused: Fused, values: dict[str, Any]) -> None:
    """The record comes before the files get their names, the picture last: killed in between, the set is made again."""
    with ExitStack() as stack:
        temporaries = [stack.enter_context(replacing(written_file(path))) for path in job.outputs]
        picture, *masks = temporaries
        picture.write_bytes(encoded(job.output, fused.pixels, job.options.encoding, fused.embedded, fused.shown))
        for path, mask in zip(masks, fused.masks, strict=True):
            path.write_bytes(encoded(path, mask, job.options.encoding))
        output, *others = (
            asdict(content_of(temporary)) | {"file": name_below(job.out, path)}
            for path, temporary in zip(job.outputs, temporaries, strict=True)
        )
        write_record(job.record, values | {"output": output, "masks": others})


@cache
def _model(folder: Path) -> Network:
    """Each worker reads it once."""
    return read_model(folder)
