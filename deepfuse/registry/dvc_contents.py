"""How DVC names what it keeps: the MD5 of a file, or of the list of a folder's files and theirs."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from deepfuse.files import file_digest


def content_md5(path: Path) -> str:
    """The MD5 by which DVC names the content of a file, or of a folder: of its list."""
    if path.is_file():
        return file_digest(path, "md5")
    return f"{hashlib.md5(folder_list(path).encode(), usedforsecurity=False).hexdigest()}.dir"


def folder_list(folder: Path) -> str:
    """The list of a folder's files as DVC's cache has it, to the byte."""
    names = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    return json.dumps([{"md5": file_digest(folder / name, "md5"), "relpath": name} for name in names])
