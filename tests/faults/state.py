"""What a project's registry and pipeline say of themselves, as JSON; an error if the champion does not load."""

from __future__ import annotations

import json

import mlflow

from deepfuse import registry
from flows.inbox import INBOX
from flows.retrain import finished
from flows.sets import find_sets


def print_state() -> None:
    registry.load_model("models:/deepfuse@champion")
    found = mlflow.MlflowClient().search_model_versions("name='deepfuse'")
    left = [entry.name for entry in find_sets(INBOX)] + ([] if finished() else ["the pipeline"])
    keys = [version.tags[registry.KEY_TAG] for version in found]
    print(json.dumps({"keys": keys, "left": left, "champion": registry.champion_version()}))
