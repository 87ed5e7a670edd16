"""What a process does that the faults start in a project: a run without Prefect, or a person's command.

It is forked from the tests' process, which has imported all that a run needs and must use nothing of it, for threads do
not come along: the imports cost more than such a run.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pebble
from points import POINTS

from deepfuse import registry
from deepfuse.evaluation import reference_scenes
from deepfuse.registry import aliases
from flows import retrain
from flows.inbox import INBOX
from flows.sets import find_sets

SMALL = {"SEEDS": (20170003,), "WIDTH_PX": 208, "HEIGHT_PX": 96}  # a wood as the reference set: rendered in no time
STATE = "state: "  # how the line begins that `again` says it in
TASKS = ("accept", "publish_shipped", "write_start", "reproduce", "publish", "promote", "push", "record")


def start(project: Path, *words: str) -> int:
    """Begin in the project what `do` knows by these words; what it says goes to the file `log` beside it.

    Returns:
        The process, for `ended`.
    """

    def work() -> None:
        become_child(project)
        do(*words)

    return fork(work)


def fork(work: Callable[[], object]) -> int:
    """Do this in a process of its own, which `ended` waits for."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def ended(pid: int) -> int:
    """Wait for a process; its exit status, or the signal that killed it, negative."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def become_child(project: Path) -> None:
    """Work in the project, say all in the log, and leave out what the tests of other folders show."""
    log = (project.parent / "log").open("a")
    for stream in (1, 2):
        os.dup2(log.fileno(), stream)
    sys.stdout = sys.stderr = log
    logging.basicConfig(stream=log, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", force=True)
    logging.getLogger("flows").setLevel(logging.INFO)
    os.environ["TQDM_MININTERVAL"] = "0.1"
    os.chdir(project)
    for name, value in SMALL.items():
        setattr(reference_scenes, name, value)
    for name in TASKS:
        setattr(retrain, name, getattr(retrain, name).fn)
    retrain.drift.compare = retrain.drift.compare.fn
    aliases._check = lambda version: None  # a process each
    # Those of the tests begin as copies of a process that is no child of this one.
    pebble.ProcessPool = pebble.pool.ProcessPool


def do(*words: str) -> None:
    """A run that is `plain`, is to `die` at a point, has a `limit` of bytes a file, or comes `again` after a fault.

    `again` says the state before and after as JSON. `champion VERSION` and `rollback WHY` are a person's commands.
    """
    match words:
        case ["champion", version]:
            registry.promote(version)
            return
        case ["rollback", why]:
            registry.rollback(why)
            return
        case ["die", point]:
            POINTS[point]()
        case ["limit", size]:
            resource.setrlimit(resource.RLIMIT_FSIZE, (int(size), resource.RLIM_INFINITY))
        case ["again"]:
            say_state()
    retrain.retrain.fn()
    if words == ("again",):
        say_state()


def say_state() -> None:
    """The registry and the pipeline as they are; an error if the champion does not load."""
    registry.load_model("models:/deepfuse@champion")
    found = mlflow.MlflowClient().search_model_versions("name='deepfuse'")
    state: dict[str, Any] = {
        "keys": [version.tags[registry.KEY_TAG] for version in found],
        "champion": registry.champion_version(),
        "left": [entry.name for entry in find_sets(INBOX)] + ([] if retrain.finished() else ["the pipeline"]),
    }
    print(f"\n{STATE}{json.dumps(state)}", flush=True)
