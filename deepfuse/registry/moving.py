"""A registry in a folder that was moved, renamed or copied: its files are looked for where they are now.

MLflow keeps absolute addresses alone, and makes them of relative ones. So they are rewritten in its database, which
serves MLflow's own commands and servers too.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

FILES = "mlruns"
_ADDRESSES = (
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
_ELSEWHERE = re.compile(r"(?!file:)[\w+-]{2,}:")  # s3: and the like


def follow(database: Path) -> None:
    """Have the addresses in MLflow's sqlite database name the folder `mlruns` beside it, as far as it has the files.

    A database that cannot be written, or has other tables, stays as it is.
    """
    own = database.resolve().parent / FILES
    if not (database.is_file() and own.is_dir()):
        return
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(database)) as connection, connection:
        known = connection.execute("SELECT artifact_location FROM experiments").fetchall()
        if any(_root(place) != str(own) for (place,) in known):
            _rewrite(connection, own)


def _rewrite(connection: sqlite3.Connection, own: Path) -> None:
    left: set[str] = set()

    def moved(address: str | None) -> str | None:
        root = _root(address or "")
        if address is None or root in (None, str(own)):
            return address
        place = own / address.rpartition(f"/{FILES}/")[2]
        if not place.exists():
            return address
        left.add(str(root))
        return str(place)

    connection.create_function("moved", 1, moved)
    for table, column in _ADDRESSES:
        connection.execute(f"UPDATE {table} SET {column} = moved({column}) WHERE {column} != moved({column})")
    for root in left:  # where runs to come write
        connection.execute(
            "UPDATE experiments SET artifact_location = ? || substr(artifact_location, ?)"
            " WHERE substr(artifact_location, 1, ?) = ?",
            (str(own), len(root) + 1, len(root) + 1, f"{root}/"),
        )


def _root(address: str) -> str | None:
    """The folder `mlruns` of an address on this machine, as it is written there."""
    before, found, _ = address.rpartition(f"/{FILES}/")
    return f"{before}/{FILES}" if found and not _ELSEWHERE.match(address) else None
