"""How frames of one bracket are turned upright: a camera that points down flags one of them otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, cast

from deepfuse.photo.header import Header

OrientationChoice = Literal["auto", "as-is", 1, 2, 3, 4, 5, 6, 7, 8]
_FLAGS = range(1, 9)  # EXIF 2.32, Orientation


def orientation_choice(text: str) -> OrientationChoice:
    """What a user wrote as a choice.

    Raises:
        ValueError: it is none.

    >>> orientation_choice("6")
    6
    """
    choice = int(text) if text.isdecimal() else text
    if choice not in ("auto", "as-is", *_FLAGS):
        raise ValueError(f"expected an orientation of auto, as-is or 1 to 8, got {text}")
    return cast(OrientationChoice, choice)


def oriented(
    headers: Sequence[Header], choice: OrientationChoice = "auto", reference: int | None = None
) -> list[Header]:
    """The headers of a bracket's frames with the orientations that count, and the upright sizes that follow.

    Nobody turns a camera round within a bracket, so of frames stored in one size one flag is right. A frame stored in
    another size was turned by a viewer, and keeps its own.

    Args:
        headers: in any order.
        choice: "auto" is the reference's flag, else the one that most frames have, of equals the lowest; "as-is" is
            each file's own; a number, 1 to 8, counts for all.
        reference: the place of the frame that counts before the majority.
    """
    if choice == "as-is":
        return list(headers)
    if choice != "auto":
        return [_turned(header, choice) for header in headers]
    stored = Counter(header.stored_size for header in headers).most_common(1)[0][0]
    flags = Counter(header.orientation for header in headers if header.stored_size == stored)
    flag = min(flags, key=lambda flag: (-flags[flag], flag))
    if reference is not None and headers[reference].stored_size == stored:
        flag = headers[reference].orientation
    return [_turned(header, flag) if header.stored_size == stored else header for header in headers]


def _turned(header: Header, orientation: int) -> Header:
    width, height = header.stored_size
    width, height = (height, width) if orientation > 4 else (width, height)
    return replace(header, width=width, height=height, orientation=orientation)
