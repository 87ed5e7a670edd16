"""All that batches made in a folder, at a glance: `OUT/index.html` and `OUT/index.csv`, by the records there."""

from __future__ import annotations

import csv
import io
import stat
from collections.abc import Collection, Sequence
from pathlib import Path

from deepfuse.batch.entries import Entry, entries_of
from deepfuse.batch.record import Outcome
from deepfuse.batch.sheet_page import GENERATOR, page
from deepfuse.bracket import printable
from deepfuse.files import write_text

PAGE, TABLE = "index.html", "index.csv"
COLUMNS = (
    "set", "status", "picture", "frames", "width_px", "height_px", "seconds", "mef_ssim", "left_after_crop", "moved",
    "clipped", "care",
)  # fmt: skip
_MARKS = {PAGE: GENERATOR.encode(), TABLE: ",".join(COLUMNS).encode()}
_HEAD_BYTES = 1024  # in which a file of ours says that it is one
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what makes a cell a formula where a spreadsheet opens it


def write_sheet(output: Path, scenes: Collection[str], lost: Sequence[Outcome]) -> tuple[list[Path], list[str]]:
    """Write the page and the table of a batch, what needs care first.

    Args:
        output: the folder of the batch.
        scenes: the ids of all sets there are now; one that failed, or whose picture is gone, is shown if it is of them.
        lost: photos that cannot be read and are in no set.

    Returns:
        What was written; and why something was not: somebody else's file has the name, or the disk is full.
    """
    if not (entries := entries_of(output, scenes, lost)):
        return [], []
    written, notes = [], []
    for name, text in ((PAGE, page(printable(output.resolve().name), entries)), (TABLE, table(entries))):
        try:
            if _ours(output / name):
                write_text(output / name, text)
                written.append(output / name)
            else:
                notes.append(f"{name}: a file that no batch wrote has this name, and stays")
        except OSError as error:
            notes.append(f"{name}: cannot be written: {error.strerror or error}")
    return written, notes


def table(entries: Sequence[Entry]) -> str:
    """The entries as CSV for spreadsheets: with the mark of UTF-8, and no cell that counts as a formula."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    for one in entries:
        known = ["" if share is None else f"{share:.4f}" for share in one.shares]
        score = "" if one.mef_ssim is None else f"{one.mef_ssim:.4f}"
        sizes = [one.frames or "", *(side or "" for side in one.size_px)]
        seconds = f"{one.seconds:.1f}" if one.seconds else ""
        names, care_of = [cell(one.scene), one.status, cell(one.picture)], cell("; ".join(one.flags))
        lines.writerow([*names, *sizes, seconds, score, *known, care_of])
    return "\ufeff" + text.getvalue()


def cell(text: str) -> str:
    """Words as no formula.

    >>> cell("=HYPERLINK(1)"), cell("hall")
    ("'=HYPERLINK(1)", 'hall')
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def _ours(path: Path) -> bool:
    """Whether a file may be written: none is there, or one of a batch."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return True
    if not stat.S_ISREG(mode):
        return False
    with path.open("rb") as file:
        return _MARKS[path.name] in file.read(_HEAD_BYTES)
