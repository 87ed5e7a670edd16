"""`deepfuse brackets`: which photos under a folder form brackets, and one folder per scene made of them."""

from __future__ import annotations

import argparse
import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from deepfuse.bracket import RADIANCE_SUFFIX, printable
from deepfuse.cli.options import Commands, add_command, add_grouping, found_brackets, names, some_path
from deepfuse.errors import PhotoError
from deepfuse.exits import NOTHING_TO_DO

if TYPE_CHECKING:
    from deepfuse.grouping import Group, Grouping, LeftOut

DESCRIPTION = """Find the exposure brackets among the photos under a folder, in any layout: a folder per scene,
or one card dump with everything. The evidence, in this order: the camera's own bracketing tags, EXIF ExposureMode,
a ladder of exposures shot in one go, and the similarity of the pictures. Every set says why it is one, every other
photo why it is in none. Without -o it only looks; no source file is ever changed, moved or removed."""
HELP_OUTPUT = (
    "lay the sets out as one folder per scene in OUT, by hard link: no space is used, and a program that writes into "
    "a photo there writes into the original too; nothing in OUT is overwritten"
)
SHOWN = 3  # names a cause, without --verbose


def add(commands: Commands) -> None:
    """Add the subcommand."""
    command = add_command(commands, "brackets", run, help="find the brackets among the photos under a folder")
    command.description = DESCRIPTION
    add_grouping(command)
    command.add_argument("-o", "--output", type=some_path, metavar="OUT", help=HELP_OUTPUT)
    command.add_argument("--copy", action="store_true", help="with -o, copy instead of linking")
    command.add_argument("--dry-run", action="store_true", help="with -o, say what would be made and make nothing")
    command.add_argument("-v", "--verbose", action="store_true", help="name every file left out")
    command.set_defaults(refuse=command.error)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Look, say, and lay out if asked to."""
    if (options.copy or options.dry_run) and not options.output:
        options.refuse(f"{'--copy' if options.copy else '--dry-run'}: expected -o OUT with it, got none")
    grouping = found_brackets(options)
    plan = _plan(grouping, options.source, options.output) if options.output else {}
    if not options.dry_run:
        _lay_out(plan, shutil.copy2 if options.copy else _link)
    text = [*_sets(grouping), *_left_out(grouping.left_out, every=options.verbose)]
    if options.output:
        done = "would be made" if options.dry_run else "made"
        text.append(f"{printable(str(options.output))}: {len(grouping.groups)} scenes of {len(plan)} files {done}")
    made = {"output": names([options.output])[0], "made": names(list(plan))} if options.output else {}
    return {
        "source": printable(str(options.source)),
        "sets": [_record(group) for group in grouping.groups],
        "left_out": [
            {"file": printable(str(one.file)), "cause": one.cause, "why": printable(one.why)}
            for one in grouping.left_out
        ],
        **made,
        "text": "\n".join(text),
        "code": 0 if grouping.groups else NOTHING_TO_DO,
    }


def _record(group: Group) -> dict[str, Any]:
    return {
        "scene": group.bracket.scene,
        "files": names(list(group.bracket.files)),
        "evs": list(group.evs),
        "evidence": group.evidence,
        "why": group.why,
        "warnings": [printable(warning) for warning in group.warnings],
    }


def _sets(grouping: Grouping) -> list[str]:
    """The table of sets, and their number."""
    rows = [(g.bracket.scene, str(len(g.bracket.files)), _exposures(g.evs), g.evidence) for g in grouping.groups]
    widths = [max(map(len, column)) for column in zip(("set", "frames", "stops", "evidence"), *rows, strict=True)]
    lines = [_line(("set", "frames", "stops", "evidence"), widths) + "  why"] if rows else []
    for row, group in zip(rows, grouping.groups, strict=True):
        lines.append(_line(row, widths) + f"  {group.why}")
        lines += [f"    warning: {printable(warning)}" for warning in group.warnings]
    photos = sum(len(group.bracket.files) for group in grouping.groups)
    return [*lines, f"{len(rows)} sets of {photos} files; {len(grouping.left_out)} photos are in none"]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))


def _exposures(evs: Sequence[float | None]) -> str:
    """Each frame relative to the middle one, brighter is positive."""
    known = [ev for ev in evs if ev is not None]
    if len(known) < len(evs):
        return "unknown" if len(evs) > 1 else "-"
    middle = sorted(known)[len(known) // 2] if len(known) % 2 else median(known)
    return " ".join(f"{middle - ev:+.1f}".replace("+0.0", "0").replace("-0.0", "0") for ev in known)


def _left_out(left_out: Sequence[LeftOut], *, every: bool) -> list[str]:
    """The photos in no set, by reason."""
    reasons: dict[str, list[LeftOut]] = defaultdict(list)
    for one in left_out:
        reasons[one.cause if one.cause in _TITLES else one.why].append(one)
    lines = []
    for reason, ones in sorted(reasons.items(), key=lambda item: -len(item[1])):
        lines.append(f"{len(ones):6}  {_TITLES.get(reason, reason)}")
        shown = ones if every else ones[:SHOWN]
        lines += [f"          {printable(str(one.file))}" + _detail(one) for one in shown]
        lines += [f"          … and {len(ones) - SHOWN} more (--verbose)"] if len(shown) < len(ones) else []
    return lines


_TITLES = {
    "unreadable": "cannot be read",
    "no photo": "named as photos and hold none",
    "twin": "photos in several formats: another one is taken",
    "copy": "copies and versions of another photo",
    "fused": "pictures fused of photos beside them",
}


def _detail(one: LeftOut) -> str:
    why = printable(one.why).removeprefix(printable(str(one.file))).removeprefix(": ")
    return f": {why}" if one.cause in _TITLES else ""


def _plan(grouping: Grouping, source: Path, output: Path) -> dict[Path, Path]:
    """Each file to make and what it is made of; refused where one is there, or would be found as a photo again."""
    if output.resolve().is_relative_to(source.resolve()):
        raise PhotoError(f"{output}: expected a folder outside {source}, got one in it")
    plan: dict[Path, Path] = {}
    for group in grouping.groups:
        for file in group.bracket.files:
            radiance = file.suffix.lower() == RADIANCE_SUFFIX
            plan[output / (f"{group.bracket.scene}.hdr" if radiance else f"{group.bracket.scene}/{file.name}")] = file
    if there := next(
        (path for path in (*plan, *(path.parent for path in plan)) if path != output and path.exists()), None
    ):
        raise PhotoError(f"{there}: exists already; it is not overwritten")
    return plan


def _lay_out(plan: dict[Path, Path], make: Callable[[Path, Path], object]) -> None:
    for path, file in plan.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        make(file.resolve(), path)


def _link(file: Path, path: Path) -> None:
    try:
        os.link(file, path)
    except OSError as error:
        raise OSError(f"{path}: cannot be linked: {error.strerror}; --copy copies the photos") from error
