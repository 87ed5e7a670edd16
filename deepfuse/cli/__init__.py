"""The command `deepfuse`: one module a subcommand, each with `add(commands)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepfuse.cli.beside import Beside


def main(arguments: Sequence[str] | None = None, *, beside: Beside | None = None) -> int:
    """Run the command line; returns the exit code.

    Args:
        arguments: those of this process if `None`.
        beside: a process that may do a part of the work.
    """
    from deepfuse.cli.commands import run  # late: what loads before a program begins cannot be interrupted in words

    return run(arguments, beside)
