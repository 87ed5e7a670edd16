"""Fuse photo files as a server of the registered model does: `python -P as_served.py MODEL OUT.png FRAME...`.

Run by its path, in a process that has not imported this package: what is imported is the code that the model carries.
"""

import base64
import os
import sys
from pathlib import Path

import mlflow

# Bytes and seconds of the processor: about ten times what the golden pair takes.
LIMITS = {"RLIMIT_DATA": 8 * 10**9, "RLIMIT_FSIZE": 10**8, "RLIMIT_CPU": 600, "RLIMIT_CORE": 0}


def main() -> None:
    """Load, fuse, write."""
    _limit()
    os.environ["DEEPFUSE_RECORDS"] = "off"  # nobody asked for this picture
    folder, out, *frames = sys.argv[1:]
    model = mlflow.pyfunc.load_model(folder)
    exposures = [base64.b64encode(Path(frame).read_bytes()).decode() for frame in frames]
    [row] = model.predict([{"exposures": exposures}], params={"align": False, "deghost": False, "look": "neutral"})
    Path(out).write_bytes(base64.b64decode(row["fused"]))


def _limit() -> None:
    """Bound what the code that the model carries may take."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for name, wanted in LIMITS.items():
        kind = getattr(resource, name)
        _, most = resource.getrlimit(kind)
        limit = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        resource.setrlimit(kind, (limit, limit))


if __name__ == "__main__":
    main()
