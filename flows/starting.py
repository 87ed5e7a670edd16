"""The commands that start and stop the services of this folder: `up`, its units, `serve`, and what `down` leaves.

Prefect is imported once the environment says where it is.
"""

from __future__ import annotations

import argparse
import os
import sys

from flows import background, configured, services, units
from flows.login import LOGIN, MLFLOW_PASSWORD, PREFECT


def end_orphans() -> None:
    """A worker that is stopped may leave the training of its run behind."""
    from flows import killed, lock

    if not lock.is_running():
        killed.recover()


def up(arguments: argparse.Namespace) -> None:
    """Start what does not run, deploy, and ask for a run where work is left."""
    own_server = not services.is_elsewhere("prefect")
    found = services.start_servers(prefect_port=arguments.prefect_port, mlflow_port=arguments.mlflow_port)
    configured.remember()
    os.environ |= services.client_environment(found)
    had_worker = services.running("worker")
    left = _prepare(own_server=own_server, had_worker=had_worker)
    services.start_worker()
    ask_for(left)
    print(f"Prefect  {found['PREFECT_API_URL'].removesuffix('/api')}\nMLflow   {found['MLFLOW_TRACKING_URI']}")
    if {PREFECT, MLFLOW_PASSWORD} & found.keys():
        print(f"Their pages ask for user and password, Prefect's in one line: {LOGIN} has them")
    print(f"Logs are in {background.STATE}; `python -m flows down` stops it all")


def install(arguments: argparse.Namespace) -> None:
    """Write units, or print them; nothing is started."""
    files = units.units({"prefect": arguments.prefect_port, "mlflow": arguments.mlflow_port})
    if arguments.print:
        print(*(f"# {name}\n{text}" for name, text in files.items()), sep="\n")
        return
    print(*units.install(files), "", "Start them, now and with the machine:", units.how_to_start(files), sep="\n")


def serve(arguments: argparse.Namespace) -> None:
    """Become one of the services; the worker deploys and asks for what is left first, as `up` does.

    Raises:
        ServiceError: a server gets no port, one that the worker needs does not answer, or what the worker is to pull
            cannot be had.
    """
    if arguments.service != "worker":
        if arguments.port is None:
            raise background.ServiceError(f"serve {arguments.service}: expected --port, got none")
        services.become_server(arguments.service, arguments.port)
    for name in ("prefect", "mlflow"):
        services.require_answer(name)
    if arguments.pull or arguments.remote:
        from flows.pulling import pull

        pull(arguments.remote)
    own_server = not services.is_elsewhere("prefect")
    os.environ |= services.client_environment(services.access())
    ask_for(_prepare(own_server=own_server, had_worker=services.running("worker")))
    sys.stdout.flush()
    services.become_worker()


def _prepare(*, own_server: bool, had_worker: bool) -> list[str]:
    """Deploy, and tell Prefect of the runs that died with an earlier worker; their names."""
    from flows.deploying import deploy
    from flows.runs import bury

    deploy(own_server=own_server)
    dead = [] if had_worker else bury()
    for name in dead:
        print(f"run {name} had died with its worker")
    return dead


def ask_for(dead: list[str]) -> None:
    """Ask for a run where sets wait, a run did not come to its end, or died before it began."""
    from flows.inbox import INBOX
    from flows.lock import is_unfinished
    from flows.runs import announce
    from flows.sets import find_sets

    waiting = [entry.name for entry in find_sets(INBOX)]
    if waiting:
        print(f"{len(waiting)} sets wait in {INBOX}: {announce(waiting)}")
    elif dead or is_unfinished():
        print(f"the last run did not come to its end: {announce([])}")
