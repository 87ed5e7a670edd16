"""How the frames of a bracket become pixels: one white balance, one white level and one colour space for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from deepfuse.bracket import printable
from deepfuse.photo.balance import BalanceChoice
from deepfuse.photo.common_balance import common_balance
from deepfuse.photo.opening import Photo
from deepfuse.photo.profiles import NO_PROFILE, Profile, Space, holds, is_display_like
from deepfuse.photo.raw import AS_IT_IS, Development
from deepfuse.photo.spaces import named_space

ProfileChoice = Literal["keep"] | Space
PROFILES: tuple[ProfileChoice, ...] = ("keep", *get_args(Space))
_BY_SIZE: tuple[Space, ...] = ("srgb", "p3", "adobe-rgb", "rec2020", "prophoto")


@dataclass(frozen=True)
class Rendering:
    """What is wanted: the white balance of RAW frames, and the colour space of the pixels."""

    white_balance: BalanceChoice = "as-shot"
    profile: ProfileChoice = "srgb"


SRGB_AS_SHOT = Rendering()


@dataclass(frozen=True)
class Rendered:
    """The space that a bracket's pixels are in, the white balance of RAW, and what the user should know of them."""

    profile: Profile = NO_PROFILE
    white_balance: BalanceChoice | None = None
    warnings: tuple[str, ...] = ()

    @property
    def wide(self) -> bool:
        """Whether it has colours beyond sRGB."""
        return not holds(NO_PROFILE, self.profile)


def space_for(photos: Sequence[Photo], wanted: Rendering) -> Rendered:
    """The space in which the frames of a bracket are fused.

    With "keep", it is the frames' own where they share one. Frames of several are brought to sRGB, which every one of
    them can be shown in. A space made for computing, with linear values or greys that are not equal in R, G and B, is
    left for the smallest that holds it.
    """
    raw = any(photo.raw for photo in photos)
    balance = wanted.white_balance if raw else None
    passed_over = f"the white balance {wanted.white_balance} is for RAW: these frames keep theirs"
    warnings = [passed_over] if not raw and wanted.white_balance != "as-shot" else []
    profile = _shared(photos, warnings) if wanted.profile == "keep" else named_space(wanted.profile)
    return Rendered(profile, balance, tuple(warnings))


def _shared(photos: Sequence[Photo], warnings: list[str]) -> Profile:
    """The space to be kept; what the user should know is added to the warnings."""
    shared, *others = {photo.profile.icc: photo.profile for photo in photos}.values()
    if others:
        named = ", ".join(sorted({one.name or "sRGB" for one in (shared, *others)}))
        warnings.append(f"frames of several colour profiles are brought to sRGB: {named}")
    if others or not shared.icc or shared.grey:
        return NO_PROFILE
    if is_display_like(shared):
        return shared
    fit = next((space for space in _BY_SIZE if holds(named_space(space), shared)), _BY_SIZE[-1])
    space = named_space(fit)
    warnings.append(f"frames of {shared.name} cannot be fused as they are, and are brought to {space.name or 'sRGB'}")
    return space


def development(
    paths: Sequence[Path], photos: Sequence[Photo], choice: BalanceChoice
) -> tuple[Development, dict[Path, str]]:
    """How the RAW frames of a bracket are developed, whatever their order; as each file says where there is none.

    The white balance is that of the middle exposure, the one that the camera metered, or of the next one that has any;
    that of most frames where the middle one's is unlike it. The white level is found in the brightest, and in each
    where an exposure is not known.

    Returns:
        The development, and what is to be said of a file.

    Raises:
        PhotoError: a file is damaged, or its camera's colours are not known and a colour temperature is wanted.
    """
    evs = {path: photo.header.exposure.ev for path, photo in zip(paths, photos, strict=True)}
    known = all(ev is not None for ev in evs.values())
    pairs = sorted(
        ((path, photo) for path, photo in zip(paths, photos, strict=True) if photo.raw),
        key=lambda pair: (-(evs[pair[0]] or 0.0) if known else 0.0, pair[0].name, str(pair[0])),
    )
    if not pairs:
        return AS_IT_IS, {}
    middle = len(pairs) // 2
    by_distance = sorted(range(len(pairs)), key=lambda index: abs(index - middle))
    searched = range(len(pairs))[-1 if known else 0 :]
    asked = searched if choice == "as-shot" else ()
    balance = common_balance(lambda place: pairs[place][1].white_balance(choice), by_distance, asked)
    levels = [level for place in searched if (level := pairs[place][1].saturation(balance.multipliers))]
    said = {pairs[place][0]: f"{printable(pairs[place][0].name)}: {what}" for place, what in balance.warnings.items()}
    return Development(balance.multipliers, min(levels, default=None)), said
