"""One run in the current folder, without Prefect: `child.py plain`, `die POINT`, `limit BYTES`, or `again`.

`again` is the run after a fault: it prints the state before and after as JSON.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

import mlflow

from deepfuse import registry
from flows import retrain
from flows.inbox import INBOX
from flows.sets import find_sets

TASKS = ("accept", "publish_shipped", "write_start", "reproduce", "publish", "promote", "push", "record")


def state() -> dict[str, Any]:
    """The registry and the pipeline as they are; an error if the champion does not load."""
    registry.load_model("models:/deepfuse@champion")
    found = mlflow.MlflowClient().search_model_versions("name='deepfuse'")
    return {
        "keys": [version.tags[registry.KEY_TAG] for version in found],
        "champion": registry.champion_version(),
        "left": [entry.name for entry in find_sets(INBOX)] + ([] if retrain.finished() else ["the pipeline"]),
    }


def main() -> None:
    """Run as the command line says."""
    for name in TASKS:
        setattr(retrain, name, getattr(retrain, name).fn)
    match sys.argv[1:]:
        case ["die", point]:
            from points import POINTS

            POINTS[point]()
        case ["limit", size]:
            resource.setrlimit(resource.RLIMIT_FSIZE, (int(size), resource.RLIM_INFINITY))
        case ["again"]:
            print(json.dumps(state()), flush=True)
    retrain.retrain.fn()
    if sys.argv[1] == "again":
        print(json.dumps(state()))


if __name__ == "__main__":
    main()
