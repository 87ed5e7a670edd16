"""The runs of this checkout's deployment: asked for once, not many times, and never those of anybody else.

A run takes all that lies in the inbox when it starts. So a run that waits covers every arrival until then: who submits
announces nothing beside it, and a run that starts takes the place of those that wait behind it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.events import Event, Resource
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Crashed

from deepfuse.bracket import printable
from flows.identity import identity
from flows.lock import is_running
from flows.logs import log

ARRIVED = "brackets.arrived"


def announce(names: Sequence[str]) -> str:
    """Tell Prefect that there is work, unless a run is waiting that will do it.

    Args:
        names: the sets that arrived, if any did.

    Returns:
        What happens now, for people.
    """
    if not os.environ.get("PREFECT_API_URL"):
        return "no Prefect server is known (PREFECT_API_URL, or `python -m flows up`): the next run does it"
    ours = identity()
    with get_client(sync_client=True) as client:
        deployment = own_deployment(client)
        if deployment is None:
            return f"Prefect has no deployment {ours.deployment} of this folder: `python -m flows up` makes one"
        if waiting := _due_runs(client, deployment):
            return f"run {waiting[0].name} is waiting and will do it"
        event = Event(
            event=ours.event(ARRIVED),
            resource=Resource({"prefect.resource.id": ours.resource}),
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
        for run in _due_runs(client, UUID(deployment.id)):
            if str(run.id) != flow_run.id:
                client.set_flow_run_state(
                    run.id, Cancelled(message=f"run {flow_run.name} takes its brackets"), force=True
                )
                log("run %s was waiting: this one takes its place", run.name)


def bury() -> list[str]:
    """Mark as crashed the runs of this folder that Prefect believes to be alive although none is; their names."""
    if is_running():
        return []
    with get_client(sync_client=True) as client:
        deployment = own_deployment(client)
        alive = (StateType.PENDING, StateType.RUNNING, StateType.CANCELLING)
        dead = _runs(client, deployment, *alive) if deployment else []
        for run in dead:
            client.set_flow_run_state(run.id, Crashed(message="its process died"), force=True)
    return [run.name for run in dead]


def own_deployment(client: Any) -> UUID | None:
    """The deployment of this checkout's name, if its runs work in this very folder."""
    try:
        found = client.read_deployment_by_name(identity().deployment)
    except ObjectNotFound:
        return None
    ours: UUID | None = found.id if works_in(found) == str(Path.cwd()) else None
    return ours


def works_in(deployment: Any) -> str | None:
    """The folder that a deployment's runs work in."""
    return (deployment.job_variables or {}).get("working_dir")


def _due_runs(client: Any, deployment: UUID) -> list[FlowRun]:
    """The runs that start as soon as they may."""
    now = datetime.now(UTC)
    runs = _runs(client, deployment, StateType.SCHEDULED)
    return [
        run
        for run in runs
        if run.state_name == "AwaitingConcurrencySlot"
        or (run.next_scheduled_start_time is not None and run.next_scheduled_start_time <= now)
    ]


def _runs(client: Any, deployment: UUID, *states: StateType) -> list[FlowRun]:
    found: list[FlowRun] = client.read_flow_runs(
        flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(states)))),
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment])),
    )
    return found
