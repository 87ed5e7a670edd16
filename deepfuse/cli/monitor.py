"""`deepfuse monitor`: what `batch` and served models made and refused, by day and model."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepfuse.bracket import printable
from deepfuse.cli.options import Commands, add_command
from deepfuse.exits import NOTHING_TO_DO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepfuse.monitoring.records import Row

DESCRIPTION = """Say by day and model what `deepfuse batch` and served models made and refused: how many, how fast, and
measures that need no truth. They leave a line for each bracket in the folder that DEEPFUSE_RECORDS names, or in
.deepfuse/records of the checkout that they work in; elsewhere, and where it is "off", nothing is kept. This command
gathers the lines in that folder as one Parquet file a day. Nothing that a picture shows is kept, nor date and place of
its photos."""
HELP_SINCE = "leave out the days before, YYYY-MM-DD (default: none)"
HELP_RECORDS = "the folder of records (default: as above)"
HELP_PAGE = "write a page with charts, which needs no server"


def add(commands: Commands) -> None:
    """Add the subcommand."""
    command = add_command(commands, "monitor", run, help="show what was fused and refused, by day and model")
    command.description = DESCRIPTION
    command.add_argument("--since", type=_day, metavar="DAY", help=HELP_SINCE)
    command.add_argument("--records", type=Path, metavar="DIR", help=HELP_RECORDS)
    command.add_argument("-o", "--output", type=Path, metavar="PAGE.html", help=HELP_PAGE)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Gather, sum up, write."""
    from deepfuse.files import write_text
    from deepfuse.monitoring.page import served_page
    from deepfuse.monitoring.summary import as_text, by_day, reasons

    rows = _rows(options)
    days, why = by_day(rows), reasons(rows)
    lines = [as_text(days), *(f"{count}× refused: {reason}" for reason, count in why[:5])]
    if options.output is not None:
        write_text(options.output, served_page(days, why))
        lines.append(f"{printable(str(options.output))}: the page")
    refusals = [{"reason": reason, "times": count} for reason, count in why]
    return {"days": [day.as_json() for day in days], "refusals": refusals, "text": "\n".join(lines),
            "code": 0 if rows else NOTHING_TO_DO}  # fmt: skip


def _rows(options: argparse.Namespace) -> Sequence[Row]:
    from deepfuse.monitoring.gathering import gather
    from deepfuse.monitoring.records import VARIABLE, records_folder

    folder = options.records or records_folder()
    if folder is None:
        raise ValueError(f"expected a folder of records: --records, {VARIABLE} or a checkout as working directory")
    if not folder.is_dir():
        raise ValueError(f"{folder}: expected a folder of records, got none: nothing was kept there yet")
    since = options.since.isoformat() if options.since else ""
    return [row for row in gather(folder) if row.time[:10] >= since]


def _day(text: str) -> date:
    """The type of the option `--since`."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a day as YYYY-MM-DD, got {text}") from None
