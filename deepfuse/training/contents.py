"""The manifest of stage `patch`: the SHA-256 of each of its files, so that it stands for all of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from deepfuse.errors import DeepfuseError
from deepfuse.files import file_digest, other_file, write_json

FILE = "manifest.json"
Contents = Mapping[str, Mapping[str, str]]
"""Of each split the SHA-256 of its files, by their names."""


def write_contents(folder: Path, contents: Contents) -> None:
    """Write the manifest into the stage's output folder."""
    write_json(folder / FILE, contents)


def read_contents(folder: Path) -> Contents:
    """The files that lie in the stage's output folder, read to see that they are those of the manifest.

    Raises:
        DeepfuseError: there is no manifest, or a file is not the one that it names, missing or too many.
    """
    manifest = folder / FILE
    try:
        contents: Contents = json.loads(manifest.read_bytes())
        found = {split: patch_digests(folder / split) for split in contents}
    except (OSError, ValueError, TypeError) as error:
        raise DeepfuseError(f"{manifest}: expected the manifest of stage patch, got: {error}") from error
    for split, files in contents.items():
        for name in sorted({*files, *found[split]}):
            if files.get(name) != found[split].get(name):
                raise DeepfuseError(other_file(folder / split / name, manifest))
    return contents


def patch_digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of a folder's files of patches, by their names."""
    return {path.name: file_digest(path) for path in folder.glob("*.parquet")}
