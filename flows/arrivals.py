"""Brackets that arrive: copied whole into the inbox, then an event that starts one run, not many.

A run takes all that lies in the inbox when it starts. So a run that waits covers every arrival until then: the
submitter announces nothing beside it, and a run that starts takes the place of those that wait behind it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.events import Event, Resource
from prefect.states import Cancelled, Crashed

from deepfuse.bracket import printable
from deepfuse.errors import BracketError
from flows.inbox import INBOX
from flows.lock import is_running
from flows.logs import log
from flows.moving import copy
from flows.naming import with_hash
from flows.sets import check_files, contents, fingerprint, is_partial, is_set

EVENT = "deepfuse.brackets.arrived"
RESOURCE = "deepfuse.inbox"
DEPLOYMENT = "retrain"


def submit(paths: Sequence[Path], *, most_bytes: float) -> list[Path]:
    """Copy sets into the inbox: each folder and each radiance map is one, and the photos named together are one.

    Args:
        paths: folders of photos, radiance maps and photos.
        most_bytes: the largest file that is taken.

    Returns:
        Where they lie in the inbox.

    Raises:
        BracketError: a path is not there, cannot be read, or holds what is no file, too large, or still being copied.
    """
    try:
        for path in paths:
            _check(path, most_bytes)
        photos = [path for path in paths if not is_set(path)]
        sets = [[path] for path in paths if is_set(path)]
        return [_submit(entries) for entries in (*sets, photos) if entries]
    except OSError as error:
        raise BracketError(f"{error.filename or paths[0]}: cannot be copied: {error.strerror}") from error


def _check(path: Path, most_bytes: float) -> None:
    if not os.path.lexists(path):
        raise BracketError(f"{path}: expected a photo, a radiance map or a folder of photos, got nothing")
    if path.is_symlink():
        raise BracketError(f"{path}: expected a file or a folder, got a link; name what it points to")
    _check_place(path)
    check_files(path, most_bytes=most_bytes)
    if any(map(is_partial, contents(path))):
        raise BracketError(f"{path}: expected complete files, got one that is still being copied")


def _check_place(path: Path) -> None:
    """Before anything in it is looked at: it may be all of the disk."""
    whole = path.resolve()
    if INBOX.resolve().is_relative_to(whole):
        raise BracketError(f"{path}: expected a set outside of {INBOX}, got the folder it lies in")
    if whole.name.startswith("."):
        raise BracketError(f"{path}: expected a visible name, got one that hides the set")


def _submit(entries: list[Path]) -> Path:
    """Copy one set; one of the same name and content that waits already is not copied again."""
    if twice := [name for name, count in Counter(path.name for path in entries).items() if count > 1]:
        raise BracketError(f"expected photos of different names in one set, got several of {', '.join(sorted(twice))}")
    first = entries[0].resolve()
    name = first.name if len(entries) == 1 and is_set(first) else first.stem
    content = fingerprint(*entries)
    for target in (INBOX / name, with_hash(INBOX / name, content)):
        if not os.path.lexists(target):
            copy(entries, target)
            return target
        if fingerprint(target) == content:
            return target
    raise BracketError(f"{target}: expected the content of {first}, got another")


def announce(names: Sequence[str]) -> str:
    """Tell Prefect that brackets arrived, unless a run is waiting that will take them.

    Returns:
        What happens to them now, for people.
    """
    if not os.environ.get("PREFECT_API_URL"):
        return "no Prefect server is known (PREFECT_API_URL, or `python -m flows up`): the next run takes them"
    with get_client(sync_client=True) as client:
        if waiting := _due_runs(client):
            return f"run {waiting[0].name} is waiting and will take them"
        event = Event(
            event=EVENT,
            resource=Resource({"prefect.resource.id": RESOURCE}),
            payload={"sets": list(map(printable, names))},
        )
        client.request("POST", "/events", json=[event.model_dump(mode="json")]).raise_for_status()
    return "a run was asked for"


def supersede() -> None:
    """Cancel the runs that wait behind this one, which takes what they were asked for."""
    from prefect.runtime import deployment, flow_run

    if not deployment.id:
        return
    with get_client(sync_client=True) as client:
        for run in _due_runs(client):
            if str(run.id) != flow_run.id:
                client.set_flow_run_state(
                    run.id, Cancelled(message=f"run {flow_run.name} takes its brackets"), force=True
                )
                log("run %s was waiting: this one takes its place", run.name)


def bury() -> list[str]:
    """Mark as crashed the runs that Prefect believes to be alive here although none is; their names."""
    if is_running():
        return []
    with get_client(sync_client=True) as client:
        dead = _runs(client, StateType.PENDING, StateType.RUNNING, StateType.CANCELLING)
        for run in dead:
            client.set_flow_run_state(run.id, Crashed(message="its process died"), force=True)
    return [run.name for run in dead]


def _due_runs(client: Any) -> list[FlowRun]:
    """The runs that start as soon as they may."""
    now = datetime.now(UTC)
    runs = _runs(client, StateType.SCHEDULED)
    return [
        run
        for run in runs
        if run.state_name == "AwaitingConcurrencySlot"
        or (run.next_scheduled_start_time is not None and run.next_scheduled_start_time <= now)
    ]


def _runs(client: Any, *states: StateType) -> list[FlowRun]:
    found: list[FlowRun] = client.read_flow_runs(
        flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(states)))),
        deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=[DEPLOYMENT])),
    )
    return found
