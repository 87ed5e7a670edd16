"""What the subcommands share: their words, their checks, the option `--json`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from deepfuse.bracket import printable
from deepfuse.cli.configured import COMMANDS
from deepfuse.cli.look import add_look, chosen_controls
from deepfuse.errors import DeepfuseError

if TYPE_CHECKING:
    from tqdm import tqdm

    from deepfuse.grouping import Grouping
    from deepfuse.job.options import FuseOptions
    from deepfuse.photo import Depth
    from deepfuse.photo.balance import BalanceChoice
    from deepfuse.photo.orientation import OrientationChoice

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
T = TypeVar("T")
Run = Callable[[argparse.Namespace], dict[str, Any]]

PHOTOS = "RAW, TIFF, PNG, JPEG, HEIC, AVIF, WebP, JPEG 2000 or JPEG XL"
EPILOG = (
    "exit codes: 0 done, 1 some sets of a batch or checks of doctor failed, 2 wrong usage, 3 no bracket found, 4 bad "
    "input, 5 model refused or a package missing, 6 registry unreachable, 7 out of memory, 130 interrupted"
)
HELP_NO_CONFIG = "take no defaults from your configuration file; `deepfuse config` says what it sets"
HELP_MODEL = "a model folder or its model.safetensors, or models:/NAME@ALIAS in MLflow (default: the shipped weights)"
HELP_QUALITY = "best computes weights at half the size, fast at a quarter (default: fast, where the model has it)"
HELP_FRAMES = "take sets of N photos in order of time within camera and folder, whatever the evidence says"
HELP_PREFER = (
    "the format to take where a photo is there in several (default: raw; then come DNG, 16-bit TIFF and PNG, HEIC, "
    "8-bit TIFF and PNG, AVIF, WebP, JPEG 2000 and XL, JPEG); of a set that is whole in one format only, that one"
)
HELP_DEPTH = (
    "of the output; what is deeper than the frames is computed so, not padded (default: keep that of the frames; at "
    "least 16 bits in a gamut wider than sRGB)"
)
HELP_IF_UNALIGNED = (
    "what becomes of a frame that cannot be aligned: refuse the bracket (default), drop the frame as long as two are "
    "left, or take it as it is"
)
HELP_ORIENTATION = (
    "the EXIF orientation of all frames: auto is that of the --reference that is named, else of most frames (default); "
    "as-is each file's own, which refuses frames that differ"
)
HELP_CROP = (
    "common is what all frames show (default); none keeps the whole frame that the others are laid on; union holds all "
    "frames, and what none of them shows is transparent in TIFF and PNG"
)
HELP_NO_DEGHOST = "fuse what moved as it is, rather than as one frame shows it"
HELP_REFERENCE = (
    "the frame whose moment the picture shows where something moved: its place among the frames from 1 on, or its "
    "file's name (default: auto, the one that holds most of what moved)"
)
HELP_SAVE_MASKS = "write PICTURE_mask_FRAME.png beside each picture: white where a frame shows another one's content"
HELP_BALANCE = "of RAW frames: as-shot (default), daylight, auto, or a colour temperature in kelvin such as 5200"
HELP_PROFILE = "colour space of the output (default: keep that of the frames, where they share one; else sRGB)"
HELP_COMPRESSION = "of TIFF; all are lossless (default: deflate)"
_IF_UNALIGNED = ("refuse", "drop", "as-is")
_FORMATS = ("raw", "dng", "tiff", "tif", "png", "heic", "heif", "avif", "webp", "jp2", "jxl", "jpeg", "jpg")
_PROFILES = ("keep", "srgb", "p3", "adobe-rgb", "prophoto", "rec2020")
_DEPTHS: dict[str, Depth | None] = {"8": "8-bit", "16": "16-bit", "float": "float", "keep": None}


def add_command(commands: Commands, name: str, run: Run, *, help: str) -> argparse.ArgumentParser:
    """A subcommand; `run` returns its record in JSON values.

    Three of them are not printed in JSON: "text", which people read instead, "code", the exit code if it is not 0, and
    "said", lines for standard error.
    """
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=help, description=f"{help[0].upper()}{help[1:]}.", epilog=EPILOG
    )
    command.add_argument("--json", action="store_true", help="print a record in JSON")
    if name in COMMANDS:
        command.add_argument("--no-config", action="store_true", help=HELP_NO_CONFIG)
    command.set_defaults(run=run)
    return command


def names(paths: list[Path]) -> list[str]:
    """Paths as text that can be printed."""
    return [printable(str(path)) for path in paths]


def check_count(frames: list[Path]) -> None:
    """Refuse a folder, a single frame, and a single file of several, which nothing here takes apart."""
    if folder := next((path for path in frames if path.is_dir()), None):
        name = printable(str(folder))
        raise ValueError(f"{name}: expected photos, got a folder; `deepfuse batch {name}` fuses the sets in it")
    if len(frames) < 2:
        name = printable(str(frames[0]))
        raise ValueError(f"expected 2 or more exposures, got 1 ({name}){_of_several(frames[0])}")


def _of_several(path: Path) -> str:
    from deepfuse.photo import read_header

    with suppress(DeepfuseError):  # what is no photo is one file all the same
        count = read_header(path).frames
        return f": the {count} frames in this one file are not taken apart" if count > 1 else ""
    return ""


def alias_moved(before: str | None, after: str) -> dict[str, Any]:
    """The record of an alias that moved."""
    text = f"champion: {'none' if before is None else f'version {before}'} → version {after}"
    return {"from": before, "to": after, "text": text, "said": registry_warnings()}


def registry_warnings() -> tuple[str, ...]:
    """What to say where there is another registry beside the one that a command uses."""
    from deepfuse.registry import second_registry

    warning = second_registry()
    return (warning,) if warning else ()


def add_fusing(command: argparse.ArgumentParser) -> None:
    """The options of all commands that write fused pictures."""
    command.add_argument("--model", metavar="MODEL", help=HELP_MODEL)
    command.add_argument("--quality", choices=("fast", "best"), help=HELP_QUALITY)
    command.add_argument("--no-align", action="store_true", help="take the frames as aligned already")
    add_aligning(command)
    ghosts = command.add_mutually_exclusive_group()
    ghosts.add_argument("--no-deghost", action="store_true", help=HELP_NO_DEGHOST)
    ghosts.add_argument("--save-masks", action="store_true", help=HELP_SAVE_MASKS)
    command.add_argument("--reference", default="auto", metavar="auto|N|FILE", help=HELP_REFERENCE)
    command.add_argument("--depth", choices=tuple(_DEPTHS), default="keep", help=HELP_DEPTH)
    command.add_argument("--white-balance", type=_balance, default="as-shot", metavar="WB", help=HELP_BALANCE)
    command.add_argument("--profile", choices=_PROFILES, default="keep", help=HELP_PROFILE)
    command.add_argument(
        "--compression", choices=("none", "deflate", "lzw", "zstd"), default="deflate", help=HELP_COMPRESSION
    )
    command.add_argument(
        "--png-level", type=whole(0, 9), default=4, metavar="0-9", help="how hard PNG is packed (default: 4)"
    )
    command.add_argument(
        "--jpeg-quality", type=whole(1, 100), default=95, metavar="1-100", help="of JPEG (default: 95)"
    )
    add_look(command)


def add_aligning(command: argparse.ArgumentParser) -> None:
    """The options of all commands that align."""
    command.add_argument("--if-unaligned", choices=_IF_UNALIGNED, default="refuse", help=HELP_IF_UNALIGNED)
    choices = "auto|as-is|1-8"
    command.add_argument("--orientation", type=_orientation, default="auto", metavar=choices, help=HELP_ORIENTATION)
    command.add_argument("--crop", choices=("common", "union", "none"), default="common", help=HELP_CROP)


def _orientation(text: str) -> OrientationChoice:
    """The type of the option `--orientation`."""
    from deepfuse.photo.orientation import orientation_choice

    try:
        return orientation_choice(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _balance(text: str) -> BalanceChoice:
    """The type of the option `--white-balance`."""
    from deepfuse.photo.balance import balance_choice

    try:
        return balance_choice(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def fuse_options(options: argparse.Namespace, *, score: bool) -> FuseOptions:
    """What `add_fusing` asked for."""
    from deepfuse.job.options import FuseOptions
    from deepfuse.photo import Encoding

    encoding = Encoding(options.compression, options.png_level, options.jpeg_quality)
    return FuseOptions(
        align=not options.no_align,
        quality=options.quality,
        depth=_DEPTHS[options.depth],
        score=score,
        encoding=encoding,
        controls=chosen_controls(options),
        deghost=not options.no_deghost,
        save_masks=options.save_masks,
        white_balance=options.white_balance,
        profile=options.profile,
        if_unaligned=options.if_unaligned,
        reference=options.reference,
        crop=options.crop,
        orientation=options.orientation,
    )


def add_grouping(command: argparse.ArgumentParser) -> None:
    """The options of all commands that find brackets under a folder."""
    command.add_argument("source", type=some_path, metavar="DIR", help="the folder, searched with all folders below it")
    command.add_argument("--frames", type=whole(2, 99), metavar="N", help=HELP_FRAMES)
    command.add_argument("--prefer", type=str.lower, choices=_FORMATS, default="raw", help=HELP_PREFER)


def found_brackets(options: argparse.Namespace) -> Grouping:
    """The brackets under the folder that `add_grouping` asked for."""
    from deepfuse.cli.noted import noted_looks
    from deepfuse.grouping import find_brackets

    show = partial(progress, unit="photo")
    with noted_looks() as recall:
        return find_brackets(options.source, prefer=options.prefer, frames=options.frames, progress=show, recall=recall)


def progress(items: Iterable[T], *, unit: str, total: int | None = None) -> tqdm[T]:
    """A bar on standard error while one works through the items; none where nobody looks."""
    from tqdm import tqdm

    unseen = True if sys.stderr is None else None  # closed; None asks tqdm whether it is a terminal
    return tqdm(items, desc=f"{unit}s", unit=unit, total=total, disable=unseen, leave=False, file=sys.stderr)


def some_path(text: str) -> Path:
    """The type of a path: no empty text, as of a shell's variable that is not set, which would be this folder."""
    if not text:
        raise argparse.ArgumentTypeError("expected a path, got an empty text")
    return Path(text)


def whole(least: int, most: int) -> Callable[[str], int]:
    """The type of an option that is a whole number between two others."""

    def number(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"expected a whole number from {least} to {most}, got {text}")
        return int(text)

    return number
