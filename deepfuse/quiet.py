"""What libraries print of the files that they read, for processes of our own: the command, and its workers."""

from __future__ import annotations

import logging

from deepfuse.bracket import printable_lines


class Harmless(logging.Formatter):
    """What libraries log may quote a file."""

    def format(self, record: logging.LogRecord) -> str:
        """As lines without control characters."""
        return printable_lines(super().format(record))


def quiet_libraries() -> None:
    """Let libraries log of this process what its errors do not say, and that in letters that harm no terminal."""
    if logging.lastResort:  # what prints warnings of libraries that nobody else handles
        logging.lastResort.setFormatter(Harmless())
    logging.getLogger("alembic").setLevel(logging.WARNING)  # that a database is as it should be is no news
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what is wrong with a file is said once, by its name
