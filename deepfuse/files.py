"""Files that appear under their final name only when they are complete, and the hash of their content."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from deepfuse.bracket import CONTROLS, printable

_KINDS = {
    stat.S_IFDIR: "a folder", stat.S_IFLNK: "a link", stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device", stat.S_IFBLK: "a device",
}  # fmt: skip
_SORTED = json.JSONEncoder(sort_keys=True)
_PLAIN = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


def kind_of_file(mode: int) -> str:
    """What lies there where a file was expected, in words, by its `st_mode`."""
    return _KINDS.get(stat.S_IFMT(mode), "something else")


def other_file(path: Path, manifest: Path) -> str:
    """What is said of a stage's file that is not the one that a manifest names."""
    wanted = f"expected the file that {manifest} names by its SHA-256"
    return f"{printable(str(path))}: {wanted}, got another or none: `dvc repro` puts back what a stage made"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside `path`, of the same suffix, that becomes `path` if the block ends well.

    A read-only or hard-linked file under `path` is replaced, never written through.
    """
    temporary = beside(path).with_suffix(path.suffix)
    temporary.unlink(missing_ok=True)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """An empty temporary folder that becomes `path` if the block ends well; a `path` that is there by then stays."""
    temporary = beside(path)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        if not path.exists():
            temporary.replace(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def link(source: Path | str, target: Path | str) -> None:
    """A hard link where the file system can, a copy elsewhere: for what is never written in place."""
    with suppress(OSError):  # something is there, or no folder is, or no link can be
        os.link(source, target)
        return
    path = Path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copyfile(source, temporary)


def beside(path: Path) -> Path:
    """A short hidden name in the same folder, this process's own also where other machines write there."""
    name = os.fsencode(path.name) + b"\0" + platform.node().encode()
    return path.with_name(f".{hashlib.sha256(name).hexdigest()[:12]}_{os.getpid()}")


def remove_abandoned(folder: Path) -> None:
    """Remove the temporary files and folders in `folder` whose process ended before they were complete."""
    import psutil  # slow, and a single picture needs it not

    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            name = re.fullmatch(r"\.[0-9a-f]{12}_(\d{1,9})(\.[^.]+)?", entry.name)
            if name and not psutil.pid_exists(int(name[1])):
                is_folder = entry.is_dir(follow_symlinks=False)
                shutil.rmtree(entry) if is_folder else Path(entry).unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` in UTF-8, through no link that somebody put under the temporary name."""
    with replacing(path) as temporary, temporary.open("x", encoding="utf-8") as file:
        file.write(text)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON with keys in their own order and a newline at the end."""
    write_text(path, json_text(value) + "\n")


def json_text(value: Any) -> str:
    """`value` as indented JSON in which control characters stand as escapes, also those that JSON allows as they are.

    Raises:
        ValueError: a number is none, or infinite.

    >>> json_text("a\\x9bb")
    '"a\\\\u009bb"'
    """
    return "\n".join(map(_escaped, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False).split("\n")))


def json_line(value: Any) -> str:
    """The same in one line, in a quarter of the time."""
    return _escaped(_PLAIN.encode(value))


def _escaped(line: str) -> str:
    return line if line.isprintable() else CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


def file_digest(path: Path, algorithm: str = "sha256") -> str:
    """The hash of a file's content in hexadecimal.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def json_digest(value: Any) -> str:
    """The SHA-256 of a JSON value in hexadecimal, whatever the order of its keys."""
    return hashlib.sha256(_SORTED.encode(value).encode()).hexdigest()
