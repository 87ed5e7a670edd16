"""What tells one training from another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepfuse.files import json_digest


def training_id(origin: Mapping[str, Any]) -> str:
    """Names a training by what decides its weights: what stage `train` keeps beside them as `provenance.json`."""
    return json_digest(origin)[:16]
