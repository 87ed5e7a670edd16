"""Photo files to display-referred pixels, one alone or as a bracket."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from deepfuse.color import Image, Mask
from deepfuse.errors import BracketError
from deepfuse.metadata.reading import Metadata
from deepfuse.photo.header import Depth, Header, check_alike
from deepfuse.photo.limits import DEFAULT_LIMITS, Limits
from deepfuse.photo.mosaic import WhiteBalance
from deepfuse.photo.opening import Photo, open_photo
from deepfuse.photo.orientation import OrientationChoice, oriented
from deepfuse.photo.profiles import Space
from deepfuse.photo.raw import Development
from deepfuse.photo.rendering import SRGB_AS_SHOT, Rendered, Rendering, development, space_for
from deepfuse.photo.spaces import named_space
from deepfuse.photo.writing import in_depth

AT_ONCE = 2  # decoded, where all frames are wanted together: each takes memory for its mosaic or file beside its pixels
_DEPTHS: tuple[Depth, ...] = ("8-bit", "16-bit", "float")

Check = Callable[[Header], None]


@dataclass(frozen=True, eq=False)
class Picture:
    """A photo of a bracket: what its file says of itself and tells besides, its pixels (H, W, 3), and their space.

    `valid` is (H, W), 1 where the pixels are picture and 0 where they are transparent; `None` where all are picture.
    `warnings` are what the user should know of this file. `flag` is the EXIF orientation that it tells, where the
    header has the one that counts in the bracket.
    """

    header: Header
    metadata: Metadata
    pixels: Image
    rendered: Rendered
    valid: Mask | None = None
    warnings: tuple[str, ...] = ()
    flag: int = 1

    @property
    def turned(self) -> str:
        """What is said of a frame that another orientation counts for than its own; else nothing."""
        own, counts = self.flag, self.header.orientation
        return f"its orientation flag is {own}, but {counts} counts in the bracket" if own != counts else ""


def read_photo(
    path: str | Path,
    *,
    white_balance: WhiteBalance | None = None,
    profile: Space = "srgb",
    limits: Limits = DEFAULT_LIMITS,
) -> Image:
    """The pixels of one photo, upright.

    Args:
        path: a RAW, TIFF, PNG, JPEG, HEIC, AVIF, WebP, JPEG 2000 or JPEG XL file.
        white_balance: multipliers of the sensor's R, G, B, G for RAW; the camera's own if `None`.
        profile: the colour space of the pixels; 8 bits become 16 where they are converted to another than sRGB.
        limits: what is refused by its header.

    Returns:
        (H, W, 3), sRGB-encoded by default: uint16 for RAW, else the file's own uint8, uint16 or float32 (0 to 1).
        Pixels of another colour profile are converted, transparency is dropped.

    Raises:
        PhotoError: the file cannot be read, is damaged, too large, or no photo of these kinds.

    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from deepfuse import read_photo, write_photo
    >>> with TemporaryDirectory() as folder:
    ...     write_photo(f"{folder}/grey.png", np.full((2, 3, 3), 128, np.uint8))
    ...     read_photo(f"{folder}/grey.png")[0, 0].tolist()
    [128, 128, 128]
    """
    with open_photo(Path(path), limits) as photo:
        return photo.decode(Development(white_balance), named_space(profile)).pixels


def read_header(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> Header:
    """Size, camera, exposure and kind of a photo file, without decoding its pixels.

    Raises:
        PhotoError: not a readable photo, or larger than the limits.

    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from deepfuse import write_photo
    >>> with TemporaryDirectory() as folder:
    ...     write_photo(f"{folder}/grey.png", np.full((2, 3, 3), 128, np.uint8))
    ...     read_header(Path(folder) / "grey.png").size
    '3×2'
    """
    with open_photo(path, limits) as photo:
        return photo.header


def read_photos(paths: Sequence[Path], *, limits: Limits = DEFAULT_LIMITS) -> list[Image]:
    """The frames of one bracket, RAW developed alike, in sRGB."""
    return [picture.pixels for picture in read_bracket(paths, limits=limits, at_once=AT_ONCE)]


def read_frames(
    paths: Sequence[Path],
    depth: Depth | None = None,
    rendering: Rendering = SRGB_AS_SHOT,
    *,
    orientation: OrientationChoice = "auto",
    reference: int | None = None,
    check: Check | None = None,
    apart: bool = False,
) -> list[Picture]:
    """The frames of one bracket, decoded side by side.

    Args:
        paths: the files.
        depth: of the picture to be made of them. Frames are at their own depth, or at this one if it is deeper: else
            its further levels would stay empty. Where it is `None` and the space wider than sRGB, it is 16 bits, of
            which 8 are too few.
        rendering: their white balance and colour space.
        orientation: which one counts.
        reference: the place of the frame whose orientation counts, where that is "auto".
        check: called with the header of the first before anything is decoded; it raises what is to be raised then.
        apart: whether each lies at a place of its own, in its own size.
    """
    frames = []
    for frame in read_bracket(
        paths, rendering=rendering, at_once=AT_ONCE, orientation=orientation, reference=reference, check=check,
        apart=apart,
    ):  # fmt: skip
        depth = depth or ("16-bit" if frame.rendered.wide else None)
        deeper = depth is not None and _DEPTHS.index(depth) > _DEPTHS.index(frame.header.depth)
        frames.append(replace(frame, pixels=in_depth(frame.pixels, depth)) if depth and deeper else frame)
    return frames


def read_bracket(
    paths: Sequence[Path],
    *,
    limits: Limits = DEFAULT_LIMITS,
    rendering: Rendering = SRGB_AS_SHOT,
    at_once: int = 1,
    orientation: OrientationChoice = "auto",
    reference: int | None = None,
    check: Check | None = None,
    apart: bool = False,
) -> Iterator[Picture]:
    """The frames of one bracket in the order of the paths, each file opened once.

    Args:
        paths: the files.
        limits: what is refused by its header.
        rendering: their white balance and colour space; none of it depends on the order of the paths.
        at_once: frames decoded side by side; with one, the next is decoded when it is asked for.
        orientation: which one counts.
        reference: the place of the frame whose orientation counts, where that is "auto".
        check: called with the header of the first before anything is decoded.
        apart: whether each lies at a place of its own, in its own size.

    Raises:
        PhotoError: a file cannot be read, is damaged, too large, or no photo.
        BracketError: too many files, or files that cannot be one bracket; no pixel has been decoded then.
    """
    if len(paths) > limits.frames:
        raise BracketError(f"expected at most {limits.frames} exposures, got {len(paths)} ({paths[0].parent})")
    with ExitStack() as stack:
        photos = [stack.enter_context(open_photo(path, limits)) for path in paths]
        headers = oriented([photo.header for photo in photos], orientation, reference)
        check_alike(paths, headers, apart=apart)
        rendered = space_for(photos, rendering)
        if check:
            check(headers[0])
        alike, said = development(paths, photos, rendering.white_balance)

        def decoded(path: Path, photo: Photo, header: Header) -> Picture:
            flag = photo.header.orientation
            how = alike if header.orientation == flag else replace(alike, orientation=header.orientation)
            found = photo.decode(how, rendered.profile)
            warnings = (*photo.warnings, *filter(None, [said.get(path)]), *found.warnings)
            return Picture(header, photo.metadata, found.pixels, rendered, found.valid, warnings, flag)

        if at_once == 1:
            yield from map(decoded, paths, photos, headers)
        else:
            yield from stack.enter_context(ThreadPoolExecutor(at_once)).map(decoded, paths, photos, headers)
