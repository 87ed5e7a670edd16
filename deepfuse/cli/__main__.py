"""The program `deepfuse`, also as `python -m deepfuse.cli`."""

import os
import sys
from typing import NoReturn

from deepfuse.cli import BAD_INPUT, main


def run() -> NoReturn:
    """Run the command line and leave at once: to unload torch takes as long as to align a bracket."""
    try:
        code = main()
        sys.stdout.flush()
    except OSError as error:
        print(f"deepfuse: the output cannot be written: {error.strerror}", file=sys.stderr)
        code = BAD_INPUT
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    run()
