"""Folders of odd and hostile files through the command, each in a process with limits: right, or refused by its name?

`python benchmarks/cases.py CASES` takes a folder with one folder a case: the frames of a bracket with one trait, or
`good` frames and a `bad` one. A case is right if its picture has the size and mean colour of its kind, as
`case_kinds.py` has it, and refused by its name if the message says which file, within the limits. `--card` takes all
cases as one card: `brackets` and `batch` must come to an end with each photo in a set, or left out for a reason. Exits
with 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
from case_kinds import Kind, kind_of
from limited_process import Limits, Ran, run

from deepfuse.bracket import PHOTO_SUFFIXES, printable
from deepfuse.photo import read_photo

NEAR = 6.0  # of 255, between the mean colours of a case and its control


@dataclass(frozen=True)
class Result:
    """What became of a case; sizes in pixels, the mean colour from 0 to 255."""

    case: Path
    kind: Kind
    ran: Ran
    pictures: int
    left_out: int
    size: tuple[int, int] | None
    mean: tuple[float, float, float] | None


def main() -> int:
    """Run, print, and return 1 if anything is wrong."""
    options = arguments()
    limits = Limits(options.seconds, options.gigabytes * 1e9)
    cases = chosen(options.cases, options.only)
    wrong = 0
    if not options.card_alone:
        print(f"{'case':30}{'exit':>5}{'s':>6}{'MB':>6}  {'size':9}{'mean':12}  verdict; what was said", flush=True)
        results = {}
        for case in cases:
            results[case.name] = run_case(case, limits)
            print_result(results[case.name], results)
        wrong = sum(verdict(result, results).startswith("WRONG") for result in results.values())
        print(f"{len(results)} cases, {wrong} wrong")
    if options.card or options.card_alone:
        wrong += sum(map(print_card, run_card(options.cases, limits)))
    return int(wrong > 0)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path, metavar="CASES", help="a folder with one folder a case")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="cases of these names")
    parser.add_argument("--seconds", type=float, default=60, help="how long a command may take (default: 60)")
    parser.add_argument("--gigabytes", type=float, default=2, help="of memory that a command may hold (default: 2)")
    parser.add_argument("--card", action="store_true", help="then take all cases as one card")
    parser.add_argument("--card-alone", action="store_true", help="take all cases as one card and nothing else")
    return parser.parse_args()


def chosen(folder: Path, pattern: str) -> list[Path]:
    """The cases of these names, after their controls."""
    found = [path for path in folder.iterdir() if path.is_dir()]
    wanted = {path.name for path in found if fnmatch(path.name, pattern)}
    controls = {kind_of(name).control for name in wanted}
    return sorted(
        (path for path in found if path.name in wanted | controls),
        key=lambda path: (path.name not in controls, path.name),
    )


def run_case(case: Path, limits: Limits) -> Result:
    """One case through `fuse`, or through `batch` where that has to find the sets."""
    kind = kind_of(case.name)
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "out"
        out.mkdir()
        command = ["batch", str(case), "-o", str(out), "--json"] if kind.pictures else fuse_command(case, out)
        ran = run([*command, *kind.options], limits)
        made = sorted(out.glob("*.tif"))
        ran = replace(ran, out=ran.out.replace(f"{out}/", ""), err=ran.err.replace(f"{out}/", ""))
        picture = read_photo(made[0]) if made else None
    left_out = record_of(ran).get("left_out", 0) if kind.pictures else 0
    if picture is None:
        return Result(case, kind, ran, 0, left_out, None, None)
    top = 1.0 if picture.dtype.kind == "f" else np.iinfo(picture.dtype).max
    red, green, blue = (255 * picture.mean(axis=(0, 1)) / top).tolist()
    return Result(case, kind, ran, len(made), left_out, (picture.shape[1], picture.shape[0]), (red, green, blue))


def record_of(ran: Ran) -> dict[str, Any]:
    """What `brackets` or `batch` say in JSON; nothing where they did not end well."""
    return json.loads(ran.out) if ran.code in (0, 1, 3) and not ran.crash and ran.out else {}


def fuse_command(case: Path, out: Path) -> list[str]:
    """All photos of a folder fused."""
    return ["fuse", *map(str, photos(case)), "-o", str(out / "fused.tif")]


def photos(folder: Path) -> list[Path]:
    """The photos in a folder and below it, by their suffixes."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix.lower() in PHOTO_SUFFIXES]


def verdict(result: Result, results: dict[str, Result]) -> str:
    """Right, refused by its name, or what is wrong."""
    ran, kind = result.ran, result.kind
    if ran.crash:
        return f"WRONG: {ran.crash}"
    if set(ran.out + ran.err) & set("\x1b\x07\x9b"):
        return "WRONG: control characters"
    if kind.pictures:
        fits = ran.code == 0 and (result.pictures, result.left_out) == (kind.pictures, kind.left_out)
        told = f"{result.pictures} pictures of {kind.pictures}, {result.left_out} photos in none of {kind.left_out}"
        return "right" if fits else f"WRONG: {told}"
    if ran.code == 4:
        named = any(photo.name in ran.err for photo in photos(result.case))
        by_name = named and bool(kind.refusal) and kind.refusal in ran.err
        return "refused by its name" if by_name else "WRONG: refused" if named else "WRONG: no file named"
    if ran.code or result.size is None:
        return f"WRONG: exit code {ran.code}"
    if kind.size and result.size != kind.size:
        return f"WRONG: expected {kind.size[0]}×{kind.size[1]}"
    return colour_verdict(result, results)


def colour_verdict(result: Result, results: dict[str, Result]) -> str:
    """Whether the mean colour is that of the control, where there is one."""
    control = results.get(result.kind.control)
    if control is None or control.mean is None or result.mean is None:
        return "right" if not result.kind.control else "right, without a control"
    off = max(abs(one - other) for one, other in zip(result.mean, control.mean, strict=True))
    return "right" if off <= NEAR else f"WRONG: {off:.0f} from the colour of {control.case.name}"


def print_result(result: Result, results: dict[str, Result]) -> None:
    """A row of the table."""
    size = f"{result.size[0]}×{result.size[1]}" if result.size else "-"
    mean = " ".join(f"{value:.0f}" for value in result.mean) if result.mean else "-"
    ran = result.ran
    row = f"{result.case.name:30}{ran.code:5}{ran.seconds:6.1f}{ran.peak_mb:6.0f}  {size:9}{mean:12}"
    print(f"{row}  {verdict(result, results)}; {ran.said[:160]}", flush=True)


@dataclass(frozen=True)
class Card:
    """All cases as one card: how a command ended, and the photos of which it said nothing."""

    command: str
    ran: Ran
    sets: int
    missing: tuple[Path, ...]


def run_card(cases: Path, limits: Limits) -> list[Card]:
    """`brackets` and `batch` over all cases; ten times as long as one case may take."""
    longer = Limits(10 * limits.seconds, limits.memory)
    ran = run(["brackets", str(cases), "--json"], longer)
    record = record_of(ran)
    told = {file for one in record.get("sets", ()) for file in one["files"]}
    told |= {one["file"] for one in record.get("left_out", ()) if one["why"]}
    missing = tuple(photo for photo in photos(cases) if printable(str(photo)) not in told)
    cards = [Card("brackets", ran, len(record.get("sets", ())), missing)]
    with tempfile.TemporaryDirectory() as scratch:
        ran = run(["batch", str(cases), "-o", f"{scratch}/out", "--json"], longer)
    record = record_of(ran)
    ended = [*record.get("done", ()), *(one["set"] for one in record.get("failed", ()) if one["reason"])]
    return [*cards, Card("batch", ran, len(ended), ())]


def print_card(card: Card) -> bool:
    """A row, and what is missing; whether anything is wrong."""
    ran = card.ran
    wrong = bool(ran.crash or ran.code not in (0, 1) or card.missing)
    print(f"all as one card: {card.command}: exit code {ran.code}, {ran.seconds:.0f} s, {ran.peak_mb:.0f} MB, "
          f"{card.sets} sets, {len(card.missing)} photos of which nothing is said; "
          f"{'WRONG: ' + (ran.crash or ran.said) if wrong else 'right'}")  # fmt: skip
    for photo in card.missing:
        print(f"    {printable(str(photo))}")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
