"""The lines of many processes as one Parquet table: `DAY.parquet` in the same folder, each row once.

Lines are deleted when their day is over for everybody and its Parquet has them. Killed anywhere in between, gathering
again makes the same table: a row that is in both counts once, by its id.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepfuse.errors import NotInstalledError
from deepfuse.files import replacing
from deepfuse.monitoring.records import Row

if TYPE_CHECKING:
    import pyarrow as pa

KEPT_LINES = timedelta(days=2)  # a process that wrote at midnight by another clock has ended its line by then
_NAMES = tuple(field.name for field in fields(Row))
_TYPES: dict[str, Any] = {"str": str, "int": int, "float | None": float | int | None, "dict[str, float]": dict}
_KINDS = {field.name: _TYPES[str(field.type)] for field in fields(Row)}


def gather(folder: Path, *, today: date | None = None) -> list[Row]:
    """Write the Parquet of every day, and read all rows, the oldest first.

    Args:
        folder: of records.
        today: by UTC; the clock's if `None`.

    Raises:
        NotInstalledError: pyarrow comes with the loop alone.
    """
    _parquet()
    today = today or datetime.now(UTC).date()
    lines: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(folder.glob("*.jsonl")):
        lines[path.name[:10]].append(path)
    days = sorted(lines.keys() | {path.stem for path in folder.glob("*.parquet") if not path.name.startswith(".")})
    rows = [row for day in days for row in _gather_day(folder / f"{day}.parquet", lines[day], today)]
    return sorted(rows, key=lambda row: row.time)


def _gather_day(table: Path, lines: Sequence[Path], today: date) -> list[Row]:
    """Lines first, then the table: who finds a file of lines gone finds its rows in the table that came before."""
    found = [row for path in lines for row in _read_lines(path)]
    known = {row.id: row for row in _read_table(table)}
    rows = list({**known, **{row.id: row for row in found}}.values())
    if any(row.id not in known for row in rows):
        _write_table(table, rows)
    if table.exists() and table.stem < (today - KEPT_LINES).isoformat():
        for path in lines:
            path.unlink(missing_ok=True)
    return rows


def _read_lines(path: Path) -> Iterable[Row]:
    """The rows of a file; a line that is cut short or is none counts as none."""
    with suppress(FileNotFoundError):
        for line in path.read_bytes().splitlines():
            with suppress(ValueError, TypeError, AttributeError):
                yield _row(json.loads(line))


def _row(values: dict[str, Any]) -> Row:
    """A row as it was kept.

    Raises:
        TypeError: it lacks something, or has something of another type.
        ValueError: its time is none.
    """
    row = Row(**{name: values[name] for name in _NAMES if values.get(name) is not None})
    wrong = [name for name, kind in _KINDS.items() if not isinstance(getattr(row, name), kind)]
    if wrong or not all(isinstance(value, float | int) for value in row.measures.values()):
        raise TypeError(f"expected a record, got {', '.join(wrong) or 'measures'} of another type")
    datetime.fromisoformat(row.time)
    return row


def _read_table(path: Path) -> list[Row]:
    if not path.exists():
        return []
    known = set(_NAMES)
    return [
        _row(values | {"measures": {name: v for name, v in values.items() if name not in known and v is not None}})
        for values in _parquet().read_table(path).to_pylist()
    ]


def _write_table(path: Path, rows: Sequence[Row]) -> None:
    """One column a field, and one a measure that any row has."""
    pq = _parquet()
    import pyarrow as pa

    measures = sorted({name for row in rows for name in row.measures})
    columns = {name: [getattr(row, name) for row in rows] for name in _NAMES if name != "measures"}
    columns |= {name: [row.measures.get(name) for row in rows] for name in measures}
    schema = pa.schema([(name, _type(name)) for name in columns])
    with replacing(path) as temporary:
        pq.write_table(pa.table(columns, schema=schema), temporary)


def _type(name: str) -> pa.DataType:
    import pyarrow as pa

    kind = _KINDS.get(name)
    return pa.string() if kind is str else pa.int64() if kind is int else pa.float64()


def _parquet() -> Any:
    try:
        import pyarrow.parquet as pq
    except ModuleNotFoundError:
        raise NotInstalledError(
            "records are gathered by pyarrow, which is not installed: pip install 'deepfuse[loop]'"
        ) from None
    return pq
