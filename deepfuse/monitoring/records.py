"""One line for each bracket that was fused or refused, in a folder of this machine: `DAY_HOST_PROCESS.jsonl`.

Each process appends to a file of its own, a line with one write, so that many may write at once without a lock and a
killed one leaves whole lines. `gathering` makes Parquet of them. A line says how it went: nothing that the picture
shows, no date or place of EXIF, no path.
"""

from __future__ import annotations

import json
import logging
import os
import re
import socket
import uuid
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from deepfuse.bracket import printable

VARIABLE = "DEEPFUSE_RECORDS"
IN_CHECKOUT = Path(".deepfuse/records")
CHECKOUT = ("dvc.yaml", "params.yaml")
LONGEST_REASON = 300  # characters
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Row:
    """What is kept of one bracket.

    Attributes:
        source: "batch" or "served".
        status: "done", or "refused" where there is no picture.
        scene: the name of its set; empty for one that was sent to a server.
        model: as its user called it, such as "shipped" or "models:/deepfuse/3".
        model_sha256: of its weights, in hexadecimal.
        version: of this package.
        frames: that came in.
        gap_ev: between the darkest and the brightest frame, in stops; `None` where a file does not say.
        width_px: of the picture; 0 without one.
        height_px: likewise.
        moved: share of the picture that moved, 0 to 1; `None` where nobody looked.
        warnings: how many there were.
        seconds: that it took.
        reason: why there is no picture.
        measures: of the picture, reduced, by name.
        time: when it was done, in ISO 8601 of UTC.
        id: of this line, so that no line counts twice.
    """

    source: str
    status: str
    scene: str
    model: str
    model_sha256: str
    version: str
    frames: int = 0
    gap_ev: float | None = None
    width_px: int = 0
    height_px: int = 0
    moved: float | None = None
    warnings: int = 0
    seconds: float | None = None
    reason: str = ""
    measures: dict[str, float] = field(default_factory=dict)
    time: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"))
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


def records_folder() -> Path | None:
    """Where records go: what `DEEPFUSE_RECORDS` names, or the checkout that one works in; `None` for nowhere.

    Nobody else's disk is written to unasked: elsewhere, and where the variable is "off", nothing is kept.
    """
    named = os.environ.get(VARIABLE)
    if named:
        return None if named == "off" else Path(named).expanduser()
    return IN_CHECKOUT if all(Path(name).is_file() for name in CHECKOUT) else None


def keep(row: Row) -> None:
    """Append a row, where rows are kept. No picture fails because of it: what goes wrong is a line of the log."""
    folder = records_folder()
    if folder is None:
        return
    values = {name: value for name, value in asdict(row).items() if value is not None}
    line = json.dumps(values | {"reason": _short(row.reason)}, allow_nan=False) + "\n"  # in ASCII
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _append(folder / f"{row.time[:10]}_{_host()}_{os.getpid()}.jsonl", line.encode())
    except OSError as error:
        _log.debug("%s: no record could be kept: %s", folder, error.strerror or error)


def _append(path: Path, line: bytes) -> None:
    """In one write, which threads and a kill leave whole; through no link."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        os.write(handle, line)
    finally:
        os.close(handle)


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())[:60]


def _short(reason: str) -> str:
    text = printable(reason)
    return text if len(text) <= LONGEST_REASON else f"{text[:LONGEST_REASON]} …"
