"""What tells one training from another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepfuse.files import json_digest

COMPUTED_BY = ("processes", "threads")


def training_id(origin: Mapping[str, Any]) -> str:
    """Names a training by what decides its weights: what stage `train` keeps beside them as `provenance.json`.

    By how many processes and threads it was worked on is told there too, and decides nothing.
    """
    return json_digest({name: value for name, value in origin.items() if name not in COMPUTED_BY})[:16]
