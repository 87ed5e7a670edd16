"""The manifest of stage `patch`: the SHA-256 of each of its files, so that it stands for all, and what they hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from deepfuse.errors import DeepfuseError
from deepfuse.files import file_digest, other_file, write_json
from deepfuse.incremental import digests
from deepfuse.training.patch_set import Counts, exposure_counts

FILE = "manifest.json"


@dataclass(frozen=True)
class PatchFile:
    """A file of patches: its SHA-256, and how many of its patches hold so many exposures."""

    sha256: str
    exposures: Counts


Contents = Mapping[str, Mapping[str, PatchFile]]
"""Of each split its files, by their names."""


def write_contents(folder: Path, contents: Contents) -> None:
    """Write the manifest into the stage's output folder."""
    files = {split: {name: asdict(file) for name, file in of_split.items()} for split, of_split in contents.items()}
    write_json(folder / FILE, files)


def read_contents(folder: Path) -> Contents:
    """The files that lie in the stage's output folder, seen to be those of the manifest.

    Raises:
        DeepfuseError: there is no manifest, or a file is not the one that it names, missing or too many.
    """
    manifest = folder / FILE
    try:
        values = json.loads(manifest.read_bytes())
        contents = {split: {name: patch_file(**file) for name, file in values[split].items()} for split in values}
        found = {split: patch_digests(folder / split) for split in contents}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise DeepfuseError(f"{manifest}: expected the manifest of stage patch, got: {error}") from error
    for split, files in contents.items():
        for name in sorted({*files, *found[split]}):
            if name not in files or files[name].sha256 != found[split].get(name):
                raise DeepfuseError(other_file(folder / split / name, manifest))
    return contents


def about(file: Path) -> PatchFile:
    """What the manifest says of a file, found in it."""
    return PatchFile(file_digest(file), exposure_counts(file))


def patch_file(sha256: str, exposures: Mapping[str, int]) -> PatchFile:
    """What is known of a file, of the values that JSON has for it."""
    return PatchFile(sha256, {int(count): patches for count, patches in exposures.items()})


def patch_digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of a folder's files of patches, by their names; none is read again that is as it was."""
    return {path.name: digests([path], linked=True)[0] for path in folder.glob("*.parquet")}
