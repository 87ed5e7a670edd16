"""Which registry this folder works with: what `up` was told counts for every later command here, by hand too."""

from __future__ import annotations

import os

from deepfuse import registry
from flows import login


def use_recorded() -> dict[str, str]:
    """Have this process, and what it starts, take what the folder's record says and the environment does not; that."""
    found = registry.recorded()
    os.environ.update(found)
    return found


def remember() -> None:
    """Record what the environment says of the registry, unless it is the server of this folder: that has its database.

    Whoever got in by `python -m flows env` has that server's password.
    """
    if not login.for_mlflow().items() <= os.environ.items():
        registry.record(os.environ)
