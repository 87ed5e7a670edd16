"""A limit of memory below which the libraries for pixels crash as they load, in place of saying what they lack."""

from __future__ import annotations

from collections.abc import Sequence

from deepfuse.cli.configured import COMMANDS
from deepfuse.heap import most_addresses

LEAST_BYTES = 0.6e9  # of addresses: numpy and OpenCV with their threads take 0.4 GB on two cores


def too_little(arguments: Sequence[str]) -> str:
    """What to say of a command line that cannot be gone about within this process's limit; nothing where it can."""
    if not (arguments and arguments[0] in COMMANDS and (most := most_addresses()) < LEAST_BYTES):
        return ""
    return f"not enough memory: expected {LEAST_BYTES / 1e9:g} GB or more, got a limit of {most / 1e9:.2g} (ulimit -v)"
