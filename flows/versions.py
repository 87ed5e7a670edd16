"""Tags of registered versions, and which of MLflow's errors pass by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepfuse import registry
from deepfuse.errors import DeepfuseError

JUDGED_TAG = "deepfuse.judged"


def tag(version: str, tags: Mapping[str, str]) -> None:
    """Keep texts with a version."""
    for name, value in tags.items():
        _client().set_model_version_tag(registry.NAME, version, name, value)


def tags(version: str) -> dict[str, str]:
    """The texts kept with a version."""
    return dict(_client().get_model_version(registry.NAME, version).tags)


def version_of(key: str) -> str | None:
    """The registered version of the model with this key."""
    return registry.published_version(key)


def is_passing(task: Any, run: Any, state: Any) -> bool:
    """Whether a task that failed is worth another try: what the input caused stays."""
    error = state.result(raise_on_failure=False)
    return not isinstance(error.__cause__ or error, (DeepfuseError, ValueError, TypeError, KeyError))


def _client() -> Any:
    return registry._mlflow().MlflowClient()
