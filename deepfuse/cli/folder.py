"""What `deepfuse fuse` goes by where little is said: the one bracket of a folder, and a name for its picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepfuse.bracket import printable
from deepfuse.errors import BracketError, NoPhotoError, PhotoError

if TYPE_CHECKING:
    from deepfuse.grouping import Group, Grouping
    from deepfuse.photo import Depth

_JPEG, _PNG = (".jpg", ".jpeg", ".jpe", ".jfif"), (".png",)
_SHOWN = 12  # ids of sets, and reasons


@dataclass(frozen=True)
class Found:
    """The one bracket of a folder: its files by name, why, what speaks against it, photos in none."""

    folder: Path
    files: tuple[Path, ...]
    why: str
    warnings: tuple[str, ...]
    left_out: int


def with_found(record: dict[str, Any], found: Found) -> dict[str, Any]:
    """The record of a picture, with how its frames were found."""
    name = printable(str(found.folder))
    others = "1 other photo is" if found.left_out == 1 else f"{found.left_out} other photos are"
    said = f"; why {others} not in it, `deepfuse brackets {name}` says" if found.left_out else ""
    where = {"folder": name, "why": found.why, "warnings": list(found.warnings), "left_out": found.left_out}
    return {
        **record,
        "found": where,
        "text": f"{record['text']}\n    of the one bracket in {name}: {found.why}{said}",
        "said": [*(f"warning: {text}" for text in found.warnings), *record["said"]],
    }


def bracket_in(folder: Path) -> Found:
    """The one bracket under a folder.

    Raises:
        NoPhotoError: it holds none; the message says why.
        BracketError: it holds several; the message names them. Or the folder is none.
        PhotoError: a frame of it cannot be read.
    """
    from deepfuse.grouping import find_brackets
    from deepfuse.grouping.shots import natural

    grouping = find_brackets(folder)
    groups = [group for group in grouping.groups if group.evidence != "radiance"]
    if not groups:
        raise NoPhotoError(_none(folder, grouping))
    if len(groups) > 1:
        raise BracketError(_several(folder, groups))
    [group] = groups
    if group.unreadable:
        raise PhotoError("\n".join(one.why for one in group.unreadable))
    left_out = sum(one.cause != "fused" for one in grouping.left_out)
    files = tuple(sorted(group.bracket.files, key=lambda file: natural(str(file))))
    return Found(folder, files, group.why, tuple(map(printable, group.warnings)), left_out)


def check_named(frames: Sequence[Path]) -> None:
    """Refuse what is named as frames and is none of a bracket.

    Raises:
        PhotoError: the one name is that of nothing; or a picture is among them that was fused of another of them.
    """
    from deepfuse.grouping.shots import fused_of

    if len(frames) == 1 and not frames[0].exists():
        raise PhotoError(f"{printable(str(frames[0]))}: expected exposures or a folder of them, got nothing")
    for parent in {file.parent for file in frames}:
        for picture, photo in fused_of([file for file in frames if file.parent == parent]).items():
            name = printable(str(picture))
            raise PhotoError(f"{name}: expected exposures, got a picture fused of {printable(photo)}; name the others")


def _none(folder: Path, grouping: Grouping) -> str:
    name = printable(str(folder))
    reasons = [printable(one.why) for one in grouping.refused] or ["it holds radiance maps alone"]
    if len(reasons) > 1:
        reasons = [f"{one.scene}: {why}" for one, why in zip(grouping.refused, reasons, strict=True)]
    return f"{name}: " + "\n".join(["expected one bracket, got none", *_first_few(reasons)])


def _several(folder: Path, groups: Sequence[Group]) -> str:
    name = printable(str(folder))
    lines = [f"{group.bracket.scene}: {len(group.bracket.files)} frames" for group in groups]
    advice = f"`deepfuse batch {name} -o OUT` fuses each"
    return "\n".join([f"{name}: expected one bracket, got {len(groups)}; {advice}", *_first_few(lines)])


def _first_few(lines: list[str]) -> list[str]:
    more = len(lines) - _SHOWN
    return [*lines[:_SHOWN], f"… and {more} more"] if more > 0 else lines


def default_output(frames: Sequence[Path], *, depth: Depth | None, hdr: bool) -> Path:
    """A name beside the first frame, of the frames' own kind where that holds what is wanted, else `.tif`.

    Raises:
        PhotoError: the folder cannot be written into.

    >>> default_output([Path("a.JPG"), Path("b.JPG")], depth=None, hdr=False)
    PosixPath('a_fused.jpg')
    """
    from deepfuse.photo import check_folder, written_depth

    suffixes = {path.suffix.lower() for path in frames}
    kind = next((kind[0] for kind in (_JPEG, _PNG) if suffixes <= {*kind}), ".tif")
    if depth and written_depth(kind, depth) != depth:
        kind = ".tif"
    first = frames[0]
    output = first.with_name(f"{first.stem}_fused{_JPEG[0] if hdr else kind}")
    try:
        check_folder(output.parent)
    except PhotoError as error:
        raise PhotoError(f"{error}; -o OUT says where else the picture goes") from error
    return output
