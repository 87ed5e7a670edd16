"""A bracket that cannot be aligned: one line a frame, and what else can be done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from deepfuse.bracket import printable

if TYPE_CHECKING:
    from deepfuse.alignment import AlignmentError, IfUnaligned

_OTHERWISE = {
    "refuse": "--if-unaligned drop leaves such a frame out, as-is takes it where it is",
    "drop": "two frames must be left; --if-unaligned as-is takes such a frame where it is",
}
_NOT_AT_ALL = "--no-align takes all frames as they are"


def with_advice(
    error: AlignmentError, frames: Sequence[Path], if_unaligned: IfUnaligned, *, skippable: bool
) -> AlignmentError:
    """The refusal of frames, for people.

    Args:
        error: of these frames.
        frames: the files.
        if_unaligned: what was tried.
        skippable: whether the command can do without alignment.
    """
    from deepfuse.alignment import AlignmentError

    names = [printable(path.name) for path in frames]
    lines = [one.told(names) for one in error.unplaced] or [str(error)]
    otherwise = _OTHERWISE.get(if_unaligned) if error.unplaced else None
    advice = ", ".join(text for text in (otherwise, _NOT_AT_ALL if skippable else None) if text)
    return AlignmentError("\n".join([*lines, *([advice] if advice else [])]), error.evidence, error.unplaced)
