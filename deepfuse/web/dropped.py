"""Photos that are dropped onto the page or sent by programs: written part by part, under plain names alone."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

from deepfuse.bracket import PHOTO_SUFFIXES, printable
from deepfuse.errors import PhotoError
from deepfuse.files import beside
from deepfuse.photo import DEFAULT_LIMITS

LONGEST_NAME = 200  # bytes
ROOM = 1e8  # bytes of the disk that stay free
_NOT_PLAIN = re.compile(r'^\.|[\\/\0-\x1f\x7f:*?"<>|]')


class Dropped:
    """The folder that has a folder for each drop."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def drops(self) -> list[Path]:
        """The folders of all drops."""
        return sorted(path for path in self._folder.glob("[!.]*") if path.is_dir())

    def drop(self, name: str) -> Path:
        """The folder of one drop, which may not be there yet.

        Raises:
            PhotoError: its name is none of a folder in this one.
        """
        return self._folder / _plain(name)

    async def receive(self, drop: str, name: str, parts: AsyncIterator[bytes]) -> Path:
        """Write a photo of a drop, complete or not at all.

        Raises:
            PhotoError: its name is none of a photo, it is too large, or there already.
        """
        target = self.drop(drop) / _plain(name)
        if target.suffix.lower() not in PHOTO_SUFFIXES:
            raise PhotoError(f"{printable(name)}: expected a photo, got '{printable(target.suffix)}'")
        if target.exists():
            raise PhotoError(f"{printable(name)}: was dropped already")
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = beside(target).with_suffix(".part")
        try:
            with temporary.open("xb") as file:
                async for part in parts:
                    file.write(part)
                    _check_room(name, file.tell(), temporary.parent)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        return target


def _plain(name: str) -> str:
    """A name that is one of a visible file in this folder, and of no other."""
    if not name or _NOT_PLAIN.search(name) or len(os.fsencode(name)) > LONGEST_NAME:
        raise PhotoError(f"{printable(name)}: expected a plain file name")
    return name


def _check_room(name: str, size: int, folder: Path) -> None:
    if size > DEFAULT_LIMITS.file_gb * 1e9:
        raise PhotoError(f"{printable(name)}: expected at most {DEFAULT_LIMITS.file_gb:g} GB")
    if shutil.disk_usage(folder).free < ROOM:
        raise PhotoError(f"{printable(name)}: no room is left on the disk")
