"""What is tried again: what goes over the network, while the error may pass by itself. Training never is."""

from __future__ import annotations

from typing import Any

from deepfuse.errors import DeepfuseError


def is_passing(task: Any, run: Any, state: Any) -> bool:
    """Whether a task that failed is worth another try: what the input caused stays."""
    error = state.result(raise_on_failure=False)
    return not isinstance(error.__cause__ or error, (DeepfuseError, ValueError, TypeError, KeyError))


NETWORK: dict[str, Any] = {
    "retries": 4,
    "retry_delay_seconds": [5, 30, 120, 300],
    "retry_condition_fn": is_passing,
}
