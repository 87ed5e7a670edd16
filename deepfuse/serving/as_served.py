"""Fuse photo files as a server of the registered model does: `python -P as_served.py MODEL OUT.png FRAME...`.

Run by its path, in a process that has not imported this package: what is imported is the code that the model carries.
"""

import base64
import sys
from pathlib import Path

import mlflow


def main() -> None:
    """Load, fuse, write."""
    folder, out, *frames = sys.argv[1:]
    model = mlflow.pyfunc.load_model(folder)
    exposures = [base64.b64encode(Path(frame).read_bytes()).decode() for frame in frames]
    [row] = model.predict([{"exposures": exposures}], params={"align": False, "deghost": False, "look": "neutral"})
    Path(out).write_bytes(base64.b64decode(row["fused"]))


if __name__ == "__main__":
    main()
