"""The installed programs: whoever interrupts them while they load sees no traceback."""

from __future__ import annotations

from typing import NoReturn

from deepfuse.interrupts import ended_by_interrupt


def enfuse() -> NoReturn:
    """The program `deepfuse-enfuse`."""
    with ended_by_interrupt():
        from deepfuse.compat.enfuse import run
    run()


def align_image_stack() -> NoReturn:
    """The program `deepfuse-align-image-stack`."""
    with ended_by_interrupt():
        from deepfuse.compat.align_image_stack import run
    run()
