"""What DVC has in its cache: where it lies, by its MD5, and the list of a folder's files."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from flows import pipeline


def cache() -> Path:
    """Where DVC's cache is."""
    return _cache_of(Path.cwd())


@functools.cache
def _cache_of(folder: Path) -> Path:
    return folder / pipeline.dvc("cache", "dir", show=False).splitlines()[-1]


def stored(md5: str) -> Path:
    """Where the content of this MD5 lies."""
    return next(all_stored([md5]))


def all_stored(contents: Iterable[str]) -> Iterator[Path]:
    """Where the content of each of many MD5 lies."""
    folder = f"{cache()}/files/md5"
    return (Path(f"{folder}/{md5[:2]}/{md5[2:]}") for md5 in contents)


def listed(folder: Path, content: str) -> dict[Path, str]:
    """The MD5 of the files in a folder of that content."""
    return {Path(f"{folder}/{entry['relpath']}"): str(entry["md5"]) for entry in list_of(content)}


def list_of(content: str) -> list[dict[str, str]]:
    """The list of the files in a folder of that content, the path and MD5 of each."""
    entries: list[dict[str, str]] = json.loads(stored(content).read_text(encoding="utf-8"))
    return entries
