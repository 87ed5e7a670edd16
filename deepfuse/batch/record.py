"""The record of one set in `OUT/.deepfuse/SET.json`: what its picture was made of, and whether it still holds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from deepfuse.bracket import printable
from deepfuse.files import file_digest, write_json

FOLDER = ".deepfuse"
_LARGEST = 1 << 24  # bytes of a record; one of 15 frames with masks has 20 000
Status = Literal["done", "finished", "kept", "failed"]


@dataclass(frozen=True)
class Outcome:
    """What became of one set: fused now, finished before, kept as somebody changed it, or failed with a reason.

    `seconds` is what it took, 0 where no work was done.
    """

    scene: str
    status: Status
    reason: str = ""
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Stat:
    """A file as it was seen: its name, size in bytes and time of change in nanoseconds since 1970.

    The name of a picture or mask is its path below the folder of the batch.
    """

    file: str
    bytes: int
    mtime_ns: int


@dataclass(frozen=True)
class Content(Stat):
    """A file as it was seen, and the SHA-256 of what it held."""

    sha256: str


def stat_of(path: Path) -> Stat:
    """A file as it is now.

    Raises:
        OSError: it is not there.
    """
    found = path.stat()
    return Stat(printable(path.name), found.st_size, found.st_mtime_ns)


def content_of(path: Path) -> Content:
    """A file as it is now, read whole."""
    return Content(**asdict(stat_of(path)), sha256=file_digest(path))


@dataclass(frozen=True)
class Record:
    """A record as it was read: `inputs`, `output` and `masks` of the last picture made, `key` of what else decides.

    `inputs` are the frames and the XMP files beside them, `earlier` files that a batch wrote for this set before, under
    these or other names, and that may still be there. `alignment` says how the frames were laid on each other, and
    `versions` which code and libraries found it.
    """

    status: str
    key: dict[str, Any]
    inputs: tuple[Content, ...]
    output: Content | None
    masks: tuple[Content, ...] = ()
    earlier: tuple[Content, ...] = ()
    alignment: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, Any] = field(default_factory=dict)

    @property
    def made(self) -> tuple[Content, ...]:
        """The picture and its masks."""
        return (self.output, *self.masks) if self.output else self.masks

    def wrote(self, path: Path, out: Path) -> bool:
        """Whether a batch that writes to `out` wrote what this file holds, whatever its time of change."""
        return any(_same_content(path, one) for one in self._of(path, out))

    def changed(self, path: Path, out: Path) -> bool:
        """Whether it wrote this file and somebody changed it since; one of the same size and time is not read."""
        known = self._of(path, out)
        if not known or not path.is_file() or any(_unchanged(path, one) for one in known):
            return False
        return not self.wrote(path, out)

    def _of(self, path: Path, out: Path) -> list[Content]:
        """What was written under the name of this file."""
        return [one for one in (*self.made, *self.earlier) if one.file == name_below(out, path)]


def name_below(out: Path, path: Path) -> str:
    """A file's path below a folder, as records have it."""
    return printable(path.relative_to(out).as_posix())


def seen(one: Stat) -> tuple[str, int, int]:
    """What a file is known by where it is not read."""
    return one.file, one.bytes, one.mtime_ns


def write_record(path: Path, values: dict[str, Any]) -> None:
    """Write a record, complete or not at all."""
    path.parent.mkdir(exist_ok=True)
    write_json(path, values)


def read_details(path: Path) -> dict[str, Any]:
    """A record as it lies there; nothing where there is none, or a damaged one."""
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return {}
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def read_record(path: Path) -> Record | None:
    """The record of a set; `None` where there is none, or a damaged one: then nothing is known of it."""
    try:
        values = read_details(path)
        inputs = tuple(_content(one) for one in values["inputs"])
        output = _content(values["output"]) if values["output"] else None
        masks, earlier = (tuple(_content(one) for one in values.get(name, ())) for name in ("masks", "earlier"))
        alignment, versions = (dict(values.get(name, {})) for name in ("alignment", "versions"))
        return Record(str(values["status"]), dict(values["key"]), inputs, output, masks, earlier, alignment, versions)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _content(values: dict[str, Any]) -> Content:
    """What a record says of a file, which lies below the folder of the batch or among the frames, not above it.

    Raises:
        TypeError: it says other things.
        ValueError: the name is none.
    """
    content = Content(**values)
    kinds = {"file": str, "bytes": int, "mtime_ns": int, "sha256": str}
    if any(type(getattr(content, name)) is not kind for name, kind in kinds.items()):
        raise TypeError(f"expected a file's name, size, time and hash, got {content}")
    path = PurePosixPath(content.file)
    if str(path) != content.file or not path.name or path.is_absolute() or ".." in path.parts or "\0" in content.file:
        raise ValueError(f"expected a file's name, got {content.file!r}")
    return content


def renew_inputs(path: Path, inputs: Sequence[Content]) -> None:
    """Keep the new times of frames that hold what they held."""
    values = json.loads(path.read_text(encoding="utf-8"))
    write_json(path, values | {"inputs": [asdict(one) for one in inputs]})


def _unchanged(path: Path, content: Content) -> bool:
    """Whether a file seems to be what it was: of the same size and time of change."""
    if not path.is_file():
        return False
    stat = stat_of(path)
    return (stat.bytes, stat.mtime_ns) == (content.bytes, content.mtime_ns)


def _same_content(path: Path, content: Content) -> bool:
    return path.is_file() and path.stat().st_size == content.bytes and file_digest(path) == content.sha256


def finished(
    record: Record | None, key: dict[str, Any], files: Sequence[Path], outputs: Sequence[Path], out: Path
) -> bool:
    """Whether a record says that `outputs`, below `out`, were made of these files under this key.

    By sizes and times alone.
    """
    return (
        record is not None
        and record.status == "done"
        and record.key == key
        and len(record.inputs) == len(files)
        and all(_unchanged(path, content) for path, content in zip(files, record.inputs, strict=True))
        and [one.file for one in record.made] == [name_below(out, path) for path in outputs]
        and all(_unchanged(path, content) for path, content in zip(outputs, record.made, strict=True))
    )
