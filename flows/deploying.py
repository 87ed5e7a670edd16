"""This checkout on its Prefect server: its work pool and its deployment, and no one else's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from prefect import get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName
from prefect.exceptions import ObjectNotFound

from flows import alarms
from flows.background import ServiceError
from flows.identity import FLOW, NAME, identity
from flows.runs import works_in

DEPLOYMENTS = Path(__file__).with_name("prefect.yaml")


def deploy(*, own_server: bool) -> None:
    """Make or renew the work pool and the deployment of this checkout.

    Args:
        own_server: whether the server is this folder's: what it has of other names is of earlier ones.

    Raises:
        ServiceError: the deployment of this name runs in another folder, or Prefect refuses.
    """
    ours = identity()
    with get_client(sync_client=True) as client:
        _require_ours(client)
        _prefect("work-pool", "create", ours.name, "--type", "process", "--overwrite")
        _prefect("--no-prompt", "deploy", "--all", "--prefect-file", str(DEPLOYMENTS))
        alarms.set_up(client, client.read_deployment_by_name(ours.deployment).id)
        if own_server:
            _forget_earlier_names(client)


def _require_ours(client: Any) -> None:
    """A name that a checkout made for itself is its own, also after it moved; one that was set may be taken."""
    ours = identity()
    try:
        folder = works_in(client.read_deployment_by_name(ours.deployment))
    except ObjectNotFound:
        return
    if os.environ.get(NAME) and folder != str(Path.cwd()):
        raise ServiceError(
            f"deployment {ours.deployment}: expected one that runs in {Path.cwd()}, got one in {folder}: "
            f"set another {NAME}, or, if this checkout was moved, `prefect deployment delete {ours.deployment}`"
        )


def _forget_earlier_names(client: Any) -> None:
    """Delete the deployments of this folder under other names, whose schedules would ask for runs that none takes."""
    found = client.read_deployments(flow_filter=FlowFilter(name=FlowFilterName(any_=[FLOW])))
    for deployment in found:
        if deployment.name != identity().name and works_in(deployment) == str(Path.cwd()):
            client.delete_deployment(deployment.id)


def _prefect(*arguments: str) -> None:
    command = [sys.executable, "-m", "prefect", *arguments]
    environment = {**os.environ, **identity().environment}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ServiceError(
            f"prefect {' '.join(arguments)}: expected exit code 0, got {done.returncode}:\n{done.stderr}{done.stdout}"
        )
