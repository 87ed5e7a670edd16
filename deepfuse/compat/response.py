"""Response files of enfuse: one name of a file a line, relative to the response file's folder."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from deepfuse.bracket import printable
from deepfuse.errors import PhotoError

_GLOBBING = re.compile(r"#\s*(?:filename-?)?glob(?:bing)?(?:-algorithm)?\s*:\s*([a-z]+)", re.IGNORECASE)
_LITERAL = ("literal", "none")


def expanded(arguments: Sequence[str]) -> list[Path]:
    """The files that arguments name, those in response files (`@NAME`) in their place.

    Raises:
        PhotoError: a response file cannot be read, or names itself.
    """
    return [path for argument in arguments for path in _named(argument, Path(), ())]


def _named(argument: str, folder: Path, within: tuple[Path, ...], *, wild: bool = False) -> Iterator[Path]:
    if argument.startswith("@"):
        yield from _listed(folder / argument[1:], within)
    elif wild:
        at = folder / argument
        yield from sorted(at.parent.glob(at.name))
    else:
        yield folder / argument


def _listed(path: Path, within: tuple[Path, ...]) -> Iterator[Path]:
    name = printable(str(path))
    if path.resolve() in within:
        raise PhotoError(f"{name}: expected names of photos, got the response file itself")
    try:
        lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError as error:
        raise PhotoError(f"{name}: cannot be read: {error.strerror}") from error
    wild = False
    for line in map(str.strip, lines):
        if line.startswith("#"):
            found = _GLOBBING.match(line)
            wild = found[1].lower() not in _LITERAL if found else wild
        elif line:
            yield from _named(line, path.parent, (*within, path.resolve()), wild=wild)
