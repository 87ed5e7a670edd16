"""What the doctor asks the servers: who gets in, the champion, the deployment with its schedule, the worker."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from prefect import get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType, WorkerStatus
from prefect.client.schemas.sorting import FlowRunSort

from deepfuse import registry
from flows import services
from flows.findings import Check, Finding, fault, ok, warning
from flows.identity import identity
from flows.runs import own_deployment

ANSWER_S = 15
_UP = "`python -m flows up`"
_NO_SERVER = "no Prefect server is known"
_CLOSED = {"prefect": ("PREFECT_API_URL", "/admin/version"), "mlflow": ("MLFLOW_TRACKING_URI", "/version")}


def check_servers() -> Iterator[Finding]:
    """Whether both answer, and to those alone who know the password."""
    for name, (variable, path) in _CLOSED.items():
        url = os.environ.get(variable, "")
        if not url.startswith("http"):
            yield (fault if services.was_started(name) else warning)(f"no {name} server runs here: {_UP}")
            continue
        try:
            got = _status(f"{url}{path}")
        except OSError as error:
            yield fault(f"{name}: no answer from {url}: {getattr(error, 'reason', error)}")
            continue
        if got in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            yield ok(f"{name} answers at {url}, and asks who it is")
        else:
            yield warning(f"{name} at {url} lets everybody in (status {got}): who reaches it, runs commands here")


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_S) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def check_registry() -> Iterator[Finding]:
    """Whether there is a champion, and it loads."""
    if not registry.is_there():
        yield warning("no model is registered yet: the first run does")
        return
    champion = registry.champion_version()
    if champion is None:
        yield warning("no champion yet: the first good model becomes it, or `deepfuse promote VERSION`")
        return
    registry.load_model(f"models:/{registry.model_name()}/{champion}")
    yield ok(f"version {champion} of '{registry.model_name()}' is champion, and loads")


def check_schedule() -> Iterator[Finding]:
    """Whether this checkout's deployment is there and goes by its schedule, and how its last run ended."""
    if not os.environ.get("PREFECT_API_URL"):
        yield warning(f"{_NO_SERVER}: nothing runs by itself: {_UP}")
        return
    with get_client(sync_client=True) as client:
        deployment = own_deployment(client)
        if deployment is None:
            yield fault(f"Prefect has no deployment {identity().deployment} of this folder: {_UP}")
            return
        found = client.read_deployment(deployment)
        if found.paused or not any(schedule.active for schedule in found.schedules):
            yield fault(f"the deployment is paused: `prefect deployment schedule resume {identity().deployment}`")
        else:
            yield _next(_last(client, deployment, FlowRunSort.EXPECTED_START_TIME_ASC, StateType.SCHEDULED))
        ends = (StateType.COMPLETED, StateType.FAILED, StateType.CRASHED)
        if run := _last(client, deployment, FlowRunSort.END_TIME_DESC, *ends):
            said = f"run {run.name} ended at {run.end_time:%Y-%m-%d %H:%M} UTC as {run.state_name}: {run.state.message}"
            yield ok(said) if run.state_type == StateType.COMPLETED else fault(said)


def _next(run: Any) -> Finding:
    """The next run; the server's scheduler makes some ahead, within a minute."""
    if run is None:
        return warning("the deployment is there, but no run is planned: again in a minute, or see the server's log")
    return ok(f"the next run is planned for {run.expected_start_time:%Y-%m-%d %H:%M} UTC")


def _last(client: Any, deployment: Any, sort: FlowRunSort, *states: StateType) -> Any:
    runs = client.read_flow_runs(
        flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(states)))),
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment])),
        sort=sort,
        limit=1,
    )
    return runs[0] if runs else None


def check_worker() -> Iterator[Finding]:
    """Whether a worker takes this checkout's runs."""
    if services.running("worker"):
        yield ok(f"runs, for the pool {identity().name}")
        return
    if not os.environ.get("PREFECT_API_URL"):
        yield warning(f"{_NO_SERVER}, and no worker runs: {_UP}")
        return
    with get_client(sync_client=True) as client:
        workers = client.read_workers_for_work_pool(identity().name)
    if any(worker.status == WorkerStatus.ONLINE for worker in workers):
        yield ok(f"one elsewhere works for the pool {identity().name}")
    else:
        yield fault(f"none works for the pool {identity().name}: {_UP}")


SERVERS: dict[str, Check] = {
    "servers": check_servers,
    "registry": check_registry,
    "schedule": check_schedule,
    "worker": check_worker,
}
