"""One log for the loop: that of the Prefect run, or Python's where a function runs outside of one."""

from __future__ import annotations

import logging

from prefect import get_run_logger
from prefect.exceptions import MissingContextError


def log(message: str, *values: object) -> None:
    """Say what happens, in the log of the run or of Python."""
    try:
        get_run_logger().info(message, *values)
    except MissingContextError:
        logging.getLogger("flows").info(message, *values)
