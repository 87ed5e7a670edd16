"""The command line of enfuse 4.2, and what of it means something here."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from deepfuse import __version__
from deepfuse.compat.program import add_noted
from deepfuse.compat.response import expanded
from deepfuse.terminal import Parser

if TYPE_CHECKING:
    from deepfuse.fusion.wrapping import Wrap
    from deepfuse.job.placed import Canvas
    from deepfuse.photo import Depth
    from deepfuse.photo.encoding import Compression

VERSION = f"""enfuse 4.2 (deepfuse {__version__})

This is deepfuse in the place of enfuse: it takes its options and fuses by a network."""
DESCRIPTION = "Fuse the exposures of one scene, called as enfuse 4.2 is: for Hugin, digiKam, darktable and the like."
FORMATS = "Written are TIFF, PNG and JPEG (tif tiff png jpg jpeg); those are read, and the photos of cameras."
GLOBBING = "literal (none): names as they are\nwildcard (shell, sh): '*', '?' and '[]' in response files"
HELP_F = "the part of the larger picture that is written; without it, what holds all inputs"
HELP_W = "which edges meet: none, horizontal (without a value), vertical or both"
HELP_COMPRESSION = "none, deflate, lzw for TIFF; 0 to 100 for JPEG"
_DEPTHS: dict[str, Depth] = {"8": "8-bit", "16": "16-bit", "32": "float", "r32": "float", "r64": "float"}
_SCHEMES: dict[str, Compression] = {"none": "none", "deflate": "deflate", "lzw": "lzw"}
_ELSEWHERE = ("packbits", "jpeg", "jpeg-arith")
_WRAPS = ("none", "horizontal", "vertical", "both")
_FLAGS = (("-g",), ("--gpu",), ("-c", "--ciecam"), ("--no-ciecam",), ("--hard-mask",), ("--soft-mask",))
_VALUED = (
    ("-b",), ("-m",), ("-l", "--levels"), ("--blend-colorspace", "--blend-color-space"),
    ("--exposure-optimum", "--exposure-mu"), ("--exposure-width", "--exposure-sigma"), ("--exposure-weight-function",),
    ("--exposure-cutoff",), ("--contrast-window-size",), ("--contrast-edge-scale",), ("--contrast-min-curvature",),
    ("--gray-projector",), ("--entropy-window-size",), ("--entropy-cutoff",), ("--fallback-profile",),
    ("--layer-selector",), ("--parameter",), ("--no-parameter",),
)  # fmt: skip
_MASKS = (("--save-masks", "--save-mask"), ("--load-masks", "--load-mask"))
_ATTACHED = re.compile(r"-([wv])(.*)|(--(?:wrap|verbose|save-masks?|load-masks?))", re.DOTALL)


@dataclass(frozen=True)
class Order:
    """What is to be fused, and how.

    Attributes:
        files: the inputs.
        output: where the picture goes.
        canvas: the part of the larger picture that is wanted; what holds all inputs if `None`.
        wrap: which edges meet.
        depth: of the output; that of the inputs if `None`.
        compression: of TIFF.
        jpeg_quality: of JPEG, 1 to 100.
        noted: options without effect, by their names.
    """

    files: tuple[Path, ...]
    output: Path
    canvas: Canvas | None
    wrap: Wrap
    depth: Depth | None
    compression: Compression | None
    jpeg_quality: int | None
    noted: tuple[str, ...]


def read_order(arguments: Sequence[str]) -> Order:
    """What a command line of enfuse asks for.

    Raises:
        ValueError: weights of a focus stack.
        PhotoError: a response file cannot be read.
        SystemExit: it asks for the version or help, or cannot be understood.
    """
    own, files = _parted(arguments)
    found = parser().parse_intermixed_args(own)
    _check_weights(found)
    quality, scheme = found.compression or (None, None)
    jpeg = found.output.suffix.lower() in (".jpg", ".jpeg")
    packed = quality if jpeg else scheme if found.output.suffix.lower() in (".tif", ".tiff") else None
    unused = ["--compression"] if found.compression and packed is None else []
    weights = [f"--{name}-weight" for name in ("exposure", "saturation", "contrast", "entropy")]
    given = [name for name in weights if getattr(found, name[2:].replace("-", "_")) is not None]
    return Order(
        files=tuple(expanded([*found.files, *files])),
        output=found.output,
        canvas=found.canvas,
        wrap=cast("Wrap", found.wrap),
        depth=_DEPTHS.get(found.depth),
        compression=scheme,
        jpeg_quality=quality,
        noted=(*unused, *given, *found.noted),
    )


def parser() -> Parser:
    """The options; those of enfuse that change nothing are taken and not listed."""
    made = Parser(
        prog="deepfuse-enfuse",
        description=DESCRIPTION,
        usage="%(prog)s [options] [-o OUT] INPUT...",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.set_defaults(noted=[])
    made.add_argument("files", nargs="*", metavar="INPUT", help="photos, or @FILE, a list of their names")
    made.add_argument("-o", "--output", type=Path, default=Path("a.tif"), metavar="OUT", help="(default: a.tif)")
    made.add_argument("-f", dest="canvas", type=_canvas, metavar="WxH[+X+Y]", help=HELP_F)
    made.add_argument("-w", "--wrap", type=_wrap, default="none", metavar="MODE", help=HELP_W)
    made.add_argument("-d", "--depth", type=str.lower, choices=tuple(_DEPTHS), help="of the output (default: inputs')")
    made.add_argument("--compression", type=_compression, metavar="C", help=HELP_COMPRESSION)
    made.add_argument("-v", "--verbose", help="taken; all that is to be said is said")
    for name in ("exposure", "saturation", "contrast", "entropy"):
        made.add_argument(f"--{name}-weight", type=float, metavar="W", help=argparse.SUPPRESS)
    for names in _FLAGS:
        add_noted(made, *names)
    for names in _VALUED:
        add_noted(made, *names, value="X")
    for names in _MASKS:
        add_noted(made, *names, value="X", optional=True)
    made.add_argument("-V", "--version", action="version", version=VERSION)
    made.add_argument("--show-image-formats", action="version", version=FORMATS, help=argparse.SUPPRESS)
    made.add_argument("--show-globbing-algorithms", action="version", version=GLOBBING, help=argparse.SUPPRESS)
    for name in ("--show-signature", "--show-software-components", "--show-gpu-info"):
        made.add_argument(name, action="version", version=VERSION, help=argparse.SUPPRESS)
    return made


def _parted(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Options, and what follows `--`; a value that may be left out is attached to its option, or left out."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return [_attached(argument) for argument in arguments[:end]], list(arguments[end + 1 :])


def _attached(argument: str) -> str:
    """argparse would take the next argument for the value of `-w`, as getopt, which enfuse uses, never does."""
    found = _ATTACHED.fullmatch(argument)
    if not found:
        return argument
    return f"{found[3]}=" if found[3] else f"{'--wrap' if found[1] == 'w' else '--verbose'}={found[2]}"


def _canvas(text: str) -> Canvas:
    found = re.fullmatch(r"\s*(\d+)x(\d+)(?:\+x?(\d+)\+y?(\d+))?", text, re.IGNORECASE)
    if not found or not int(found[1]) or not int(found[2]):
        raise argparse.ArgumentTypeError(f"expected WIDTHxHEIGHT or WIDTHxHEIGHT+X+Y, got {text}")
    return int(found[3] or 0), int(found[4] or 0), int(found[1]), int(found[2])


def _wrap(text: str) -> str:
    wrap = text.lower() or "horizontal"
    if wrap not in _WRAPS:
        raise argparse.ArgumentTypeError(f"expected one of {', '.join(_WRAPS)}, got {text}")
    return wrap


def _compression(text: str) -> tuple[int | None, Compression | None]:
    """Quality of JPEG, and scheme of TIFF."""
    name, _, level = text.lower().partition(":")
    number = level if name in _ELSEWHERE else name
    if number.isdecimal() and int(number) <= 100:
        return max(int(number), 1), None
    if name not in (*_SCHEMES, *_ELSEWHERE) or level:
        raise argparse.ArgumentTypeError(
            f"expected 0 to 100 or one of {', '.join((*_SCHEMES, *_ELSEWHERE))}, got {text}"
        )
    return None, _SCHEMES.get(name)


def _check_weights(found: argparse.Namespace) -> None:
    """Refuse what asks for the sharpest frame rather than for the best exposed one."""
    sharp = [name for name in ("contrast", "entropy") if (getattr(found, f"{name}_weight") or 0) > 0]
    if found.exposure_weight == 0 and sharp:
        given = " ".join(f"--{name}-weight={getattr(found, f'{name}_weight'):g}" for name in (*sharp, "exposure"))
        raise ValueError(
            f"{given}: expected weights of an exposure bracket, got those of a focus stack, which is not fused here: "
            "take enfuse itself for it"
        )
