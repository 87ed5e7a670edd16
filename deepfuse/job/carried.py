"""What the files of a bracket tell besides their pixels → what goes into the file of its picture, or of its light."""

from __future__ import annotations

from deepfuse.job.prepare import Prepared
from deepfuse.metadata.transfer import Transferred, transfer
from deepfuse.photo.encoding import ARE_JPEG
from deepfuse.photo.profiles import srgb_profile


def carried_over(bracket: Prepared, suffix: str, *, linear: bool = False) -> Transferred:
    """The metadata and the profile of what is made of a bracket, for a file of this suffix; `linear` if of light."""
    (height, width, _), icc = bracket.agreeing[bracket.base].shape, bracket.rendered.profile.icc
    return transfer(
        bracket.metadata, bracket.base, names=[file.name for file in bracket.files], width=width, height=height,
        icc=icc or srgb_profile(), srgb=not (icc or linear), jpeg=suffix.lower() in ARE_JPEG,
    )  # fmt: skip
