"""The program `deepfuse`, also as `python -m deepfuse.cli`."""

import os
import sys
from typing import NoReturn

from deepfuse.cli import BAD_INPUT, main


def run() -> NoReturn:
    """Run the command line and leave at once: to unload torch takes as long as to align a bracket."""
    try:
        code = main()
        print(end="", flush=True)  # nothing where standard output is closed
    except OSError as error:
        print(f"deepfuse: the output cannot be written: {error.strerror}", file=sys.stderr)
        code = BAD_INPUT
    print(end="", file=sys.stderr, flush=True)
    os._exit(code)


if __name__ == "__main__":
    run()
