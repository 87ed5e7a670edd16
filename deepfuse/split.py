"""Which scenes train, validate and test."""

from __future__ import annotations

import hashlib
from typing import Literal

SplitName = Literal["train", "val", "test"]


def split_of(scene: str, *, val: float, test: float, salt: str = "") -> SplitName:
    """The split of a scene, from a hash of its id alone: other scenes never move it.

    >>> sum(split_of(f"scene {number}", val=0.1, test=0.25) == "test" for number in range(1000))
    266
    """
    position = position_of(scene, salt)
    return "test" if position < test else "val" if position < test + val else "train"


def position_of(scene: str, salt: str = "") -> float:
    """Where the id of a scene stands between 0 and 1; the test split is first."""
    return int.from_bytes(hashlib.sha256(f"{salt}{scene}".encode()).digest()[:8], "big") / 2**64
