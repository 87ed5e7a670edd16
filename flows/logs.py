"""One log for the loop: that of the Prefect run, or Python's where a function runs outside of one."""

from __future__ import annotations

import logging

from prefect import get_run_logger
from prefect.exceptions import MissingContextError

from deepfuse.bracket import printable


def log(message: str, *values: object) -> None:
    """Say what happens, in the log of the run or of Python; control characters in the values command no terminal."""
    said = [value if isinstance(value, (int, float)) else printable(str(value).expandtabs()) for value in values]
    try:
        get_run_logger().info(message, *said)
    except MissingContextError:
        logging.getLogger("flows").info(message, *said)
