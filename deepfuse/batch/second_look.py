"""A set that is made in another look or encoding than before: its frames are laid on each other as they were."""

from __future__ import annotations

from typing import Any

from deepfuse.alignment import Alignment
from deepfuse.batch.record import Record
from deepfuse.errand import versions

AFTERWARDS = ("quality", "score", "encoding", "controls", "deghost", "save_masks")


def laid_before(before: Record | None, key: dict[str, Any], frames: int) -> Alignment | None:
    """How the frames were laid on each other for an earlier picture, where this one would find the same.

    Args:
        before: the record of a picture that was made of the same frames.
        key: what decides on this one besides them.
        frames: how many there are.
    """
    if not before or before.versions != versions() or _laying(before.key) != _laying(key):
        return None
    found = Alignment.from_record(before.alignment)
    return found if found and len(found.evidence) == frames else None


def _laying(key: dict[str, Any]) -> dict[str, Any]:
    """The options that may decide on how frames are laid on each other: all but those of what comes after."""
    return {name: value for name, value in key.get("options", {}).items() if name not in AFTERWARDS}
