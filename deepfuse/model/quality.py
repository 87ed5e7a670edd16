"""The two ways to use a network: whole, or in less time."""

from __future__ import annotations

from typing import Literal, get_args

from deepfuse.errors import ModelError

Quality = Literal["fast", "best"]


def check_quality(quality: Quality, arch: str, had: tuple[Quality, ...]) -> None:
    """Make sure that a network of that architecture has a quality.

    Raises:
        ValueError: there is no such quality.
        ModelError: this network does not have it.
    """
    if quality not in get_args(Quality):
        raise ValueError(f"expected a quality of {', '.join(get_args(Quality))}, got '{quality}'")
    if quality not in had:
        raise ModelError(f"quality '{quality}': expected a network that has it, got '{arch}' with {', '.join(had)}")
