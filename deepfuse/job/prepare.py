"""The photo files of one bracket → frames that can be fused: developed, aligned, without ghosts; without torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from deepfuse.alignment import Alignment, AlignmentError, align, align_again, lay_still
from deepfuse.bracket import printable
from deepfuse.color import Image, Mask
from deepfuse.errors import BracketError
from deepfuse.job.checks import check_distinct, check_picture_fits
from deepfuse.job.clock import Clock
from deepfuse.job.masks import masks_of
from deepfuse.job.options import FuseOptions
from deepfuse.motion import Deghosted, completed, remove_ghosts, shown_by
from deepfuse.photo import Depth, Header, Metadata, Picture, Rendered, Rendering, read_frames
from deepfuse.photo.pixels import depth_of
from deepfuse.proxy import reduced, size_within, whole


@dataclass(frozen=True)
class Prepared:
    """One bracket before it is fused.

    Attributes:
        files: of the frames; those that were left out are not there.
        metadata: what they tell besides their pixels.
        depth: of their pixels: that of the files, at least 16 bits in a space wider than sRGB, or what is wanted.
        rendered: the space of their pixels.
        aligned: the frames (H, W, 3), laid on each other; what one does not show is filled from others.
        agreeing: the same without ghosts; what is to be fused.
        base: the frame that the others were laid on, or the middle exposure.
        shown: (H, W) of uint8, 0 where no frame shows anything and 1 elsewhere; `None` where all is shown.
        masks: one a file that came in, (H, W) of uint8, where they were asked for: 255 where it shows another frame,
            which is everywhere where the frame was left out.
        alignment: how they were laid on each other, without their pixels; `None` where they were taken as aligned.
        deghosting: what moved, without the frames' pixels; `None` where it was left as it is.
        unaligned: a warning for each frame that could not be aligned.
        orientation: the EXIF one that counts for the base.
        turned: a warning for each frame whose own orientation does not count.
        seconds: that each step took.
    """

    files: tuple[Path, ...]
    metadata: tuple[Metadata, ...]
    depth: Depth
    rendered: Rendered
    aligned: tuple[Image, ...]
    agreeing: tuple[Image, ...]
    base: int
    shown: Mask | None
    masks: tuple[Image, ...]
    alignment: Alignment | None
    deghosting: Deghosted | None
    unaligned: tuple[str, ...]
    orientation: int
    turned: tuple[str, ...]
    seconds: dict[str, float]


def prepare(
    files: Sequence[Path],
    options: FuseOptions,
    output: Path | None = None,
    *,
    side_px: int | None = None,
    earlier: Alignment | None = None,
) -> Prepared:
    """Develop and align one bracket, and remove its ghosts.

    Args:
        files: the frames, in any order.
        options: what the user chose.
        output: where the picture goes, so that nothing is decoded if it has no room there; nowhere if `None`.
        side_px: the most that the longer side of a frame has from the reading on, for a look at the picture to come.
        earlier: how the same frames were laid on each other under options that say the same of it, so that nobody need
            find it again.

    Raises:
        PhotoError: a frame cannot be read, or the picture not be written.
        BracketError: the frames cannot be one bracket, or one is there twice.
        AlignmentError: they cannot be registered reliably.
    """
    check_distinct(files)
    wanted = _reference(options.reference, files)
    clock, rendering = Clock(), Rendering(options.white_balance, options.profile)
    check = partial(check_picture_fits, output=output, options=options) if output else None
    pictures = read_frames(
        files, options.depth, rendering, orientation=options.orientation, reference=wanted, check=check
    )
    if side_px:
        pictures = [_reduced(picture, side_px) for picture in pictures]
    clock.step("read")
    laid = _laid(files, pictures, options, earlier)
    if laid.alignment:
        clock.step("align")
    return prepared_of(files, pictures, laid, options, clock, reference=wanted)


def prepared_of(
    files: Sequence[Path],
    pictures: Sequence[Picture],
    laid: LaidFrames,
    options: FuseOptions,
    clock: Clock,
    *,
    reference: int | None = None,
) -> Prepared:
    """Frames that lie on each other, filled where they show nothing and without ghosts.

    Args:
        files: as they came in.
        pictures: what was read of each.
        laid: the frames.
        options: what the user chose.
        clock: of the job.
        reference: the place among the files of the one whose moment is wanted.
    """
    frames = completed(laid.frames, laid.valid, laid.base)
    if any(mask is not None for mask in laid.valid):
        clock.step("complete")
    agreeing, masks, deghosting = frames, tuple[Image, ...](), None
    if options.deghost:
        place, told = _kept_reference(reference, files, laid), shown_by(2, laid.valid)
        found = remove_ghosts(frames, laid.base, reference=place, told=told)
        agreeing, deghosting = found.frames, replace(found, frames=())
        masks = masks_of(found, laid.kept, len(files)) if options.save_masks else ()
        clock.step("deghost")
    return Prepared(
        files=tuple(files[index] for index in laid.kept),
        metadata=tuple(pictures[index].metadata for index in laid.kept),
        depth=depth_of(frames[0].dtype),
        rendered=_told(pictures),
        aligned=frames,
        agreeing=agreeing,
        base=laid.base,
        shown=shown_by(1, laid.valid),
        masks=masks,
        alignment=laid.alignment,
        deghosting=deghosting,
        unaligned=laid.alignment.warnings(_names(files)) if laid.alignment else (),
        orientation=pictures[laid.kept[laid.base]].header.orientation,
        turned=turned_frames(files, pictures) if options.orientation == "auto" else (),
        seconds=clock.seconds,
    )


def turned_frames(files: Sequence[Path], pictures: Sequence[Picture]) -> tuple[str, ...]:
    """A warning for each frame that another orientation counts for than its file's own."""
    return tuple(f"{name}: {one.turned}" for name, one in zip(_names(files), pictures, strict=True) if one.turned)


@dataclass(frozen=True)
class LaidFrames:
    """Frames that lie on each other and where each is picture, the base's place, and which of the files they are."""

    frames: tuple[Image, ...]
    valid: tuple[Mask | None, ...]
    base: int
    kept: tuple[int, ...]
    alignment: Alignment | None


def _laid(
    files: Sequence[Path], pictures: Sequence[Picture], options: FuseOptions, earlier: Alignment | None
) -> LaidFrames:
    frames, valid = [picture.pixels for picture in pictures], [picture.valid for picture in pictures]
    if not options.align:
        still = lay_still(frames, valid, crop=options.crop)
        base = middle([picture.header for picture in pictures])
        return LaidFrames(still.frames, still.valid, base, tuple(range(len(files))), None)
    try:
        if earlier:
            found = align_again(frames, earlier, valid=valid, crop=options.crop)
        else:
            found = align(frames, valid=valid, if_unaligned=options.if_unaligned, crop=options.crop)
    except AlignmentError as error:
        raise error.named(_names(files)) from error
    return LaidFrames(found.frames, found.valid, found.base, found.kept, replace(found, frames=(), valid=()))


def _reduced(picture: Picture, side_px: int) -> Picture:
    height, width = picture.pixels.shape[:2]
    valid = None if picture.valid is None else whole(picture.valid, size_within(width, height, side_px))
    return replace(picture, pixels=reduced(picture.pixels, side_px), valid=valid)


def _kept_reference(index: int | None, files: Sequence[Path], laid: LaidFrames) -> int | None:
    """The place of one of the files among the frames that are left."""
    if index is None or index in laid.kept:
        return None if index is None else laid.kept.index(index)
    names, unplaced = _names(files), laid.alignment.unplaced if laid.alignment else ()
    why = "; ".join(one.told(names) for one in unplaced if one.frame == index)
    raise BracketError(f"expected the reference to be aligned, but {names[index]} was left out: {why}")


def _reference(choice: str, files: Sequence[Path]) -> int | None:
    """The place among the files of the one whose moment is wanted; `None` leaves it to the program."""
    if choice == "auto":
        return None
    numbers = [str(number) for number in range(1, len(files) + 1)]
    for answers in (numbers, [str(file) for file in files], [file.name for file in files], _names(files)):
        if answers.count(choice) == 1:
            return answers.index(choice)
    wanted = f"1 to {len(files)} or one of {', '.join(_names(files))}"
    raise BracketError(f"expected a reference of {wanted}, got {printable(choice)}")


def _told(pictures: Sequence[Picture]) -> Rendered:
    """How the pictures were rendered, with the warnings of each."""
    rendered = pictures[0].rendered
    return replace(rendered, warnings=(*rendered.warnings, *(text for one in pictures for text in one.warnings)))


def _names(files: Sequence[Path]) -> list[str]:
    return [printable(file.name) for file in files]


def middle(headers: Sequence[Header]) -> int:
    """The middle exposure; the middle file where one is unknown."""
    evs = [header.exposure.ev for header in headers]
    order = sorted(range(len(evs)), key=lambda index: 0.0 if None in evs else evs[index] or 0.0)
    return order[len(order) // 2]
