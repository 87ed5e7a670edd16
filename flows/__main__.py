"""`python -m flows retrain | submit | watch | up | env | down | tidy | backup`: the retraining loop and its upkeep."""

from __future__ import annotations

import argparse
import logging
import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

EPILOG = """\
Brackets go data/inbox → data/raw, or data/quarantine with a reason.json; every command works in the current folder,
which is a checkout of the project. Where `up` runs, the others find its servers; PREFECT_API_URL and
MLFLOW_TRACKING_URI name servers elsewhere. docs/operations.md has the whole story."""
SETTINGS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",  # the default, 20 s, is short on a busy machine
    "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": "",  # nor does one that a run without a server starts answer a page
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # of 7, which take minutes: the tasks retry
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
CHECKOUT = ("dvc.yaml", "params.yaml", ".dvc")
TEXTS = {
    "retrain": "Take in what lies in data/inbox, run what is out of date (dvc repro), publish the model to MLflow and "
    "make it champion if it is better. Where nothing is new it ends at once; a killed run is gone on with.",
    "submit": "Copy brackets into data/inbox and have the loop run on them. A folder is one set, a radiance map is "
    "one, and photos named together are one. Needs ingest.source: data/raw in params.yaml.",
    "watch": "Move what cameras or rsync write to a folder into data/inbox, each set when nothing in it changed for "
    "a while, and have the loop run. Half-copied files are never read. Runs until it is ended.",
    "up": "Start the Prefect server, the MLflow server and a worker on this machine, with the schedule and the "
    "trigger of flows/prefect.yaml, and wait until they answer. What runs already is left alone.",
    "env": 'Print what lets other commands into the servers of `up`: eval "$(python -m flows env)". It has their '
    "password.",
    "down": "Stop what `up` started; a retraining that runs is ended and gone on with by the next.",
    "tidy": "Say what may go: the pictures of old versions' reports, and what DVC's cache keeps for no commit. No "
    "bracket, no model and nothing of the champion. With --yes, remove it.",
    "backup": "Copy into a folder what cannot be made again: the commits, MLflow's database and files, the login, and "
    "without a DVC remote DVC's cache too. What the folder has already is not copied again.",
}


def main() -> None:
    """Run what the command line names."""
    arguments = _parser().parse_args()
    if missing := [name for name in CHECKOUT if not Path(name).exists()]:
        sys.exit(
            f"python -m flows: {Path.cwd()}: expected a checkout of the project, got no {', '.join(missing)} in it"
        )
    from deepfuse.bracket import printable_lines
    from deepfuse.errors import DeepfuseError
    from flows import background, services
    from flows.login import make_private

    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # that a database is as it should be is no news
    try:
        make_private()
        os.environ |= services.own_home()
        if arguments.command not in ("up", "env", "down"):
            os.environ |= services.access()
        _run(arguments)
    except (DeepfuseError, background.ServiceError) as error:
        sys.exit(f"python -m flows: {printable_lines(str(error))}")
    except KeyboardInterrupt:
        sys.exit(130)


def _run(arguments: argparse.Namespace) -> None:
    """Prefect is imported by the commands that need it: it takes seconds."""
    from flows import services

    match arguments.command:
        case "retrain":
            from flows.retrain import retrain

            retrain()
        case "submit":
            _submit(arguments.paths)
        case "watch":
            from flows.watch import watch

            logging.basicConfig(format="%(asctime)s %(message)s", level=logging.WARNING)
            logging.getLogger("flows").setLevel(logging.INFO)
            watch(arguments.folder, quiet_s=arguments.quiet)
        case "up":
            _up(arguments)
        case "env":
            _print_environment(services.access())
        case "down":
            print("stopped:", ", ".join(services.down()) or "nothing was running")
            _end_orphans()
        case "tidy" | "backup":
            _keep_house(arguments)


def _keep_house(arguments: argparse.Namespace) -> None:
    from flows.backup import backup
    from flows.retention import tidy

    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("flows").setLevel(logging.INFO)
    if arguments.command == "backup":
        backup(arguments.folder)
    else:
        tidy(keep=arguments.keep, remove=arguments.yes)


def _submit(paths: list[Path]) -> None:
    from deepfuse.bracket import printable
    from deepfuse.params import read_params
    from flows.arrivals import announce, submit
    from flows.inbox import require_raw

    ingest = read_params().ingest
    require_raw(ingest.source)
    targets = submit(paths, most_bytes=ingest.limits.file_gb * 1e9)
    print(*(printable(str(target)) for target in targets), sep="\n")
    try:
        print(announce([target.name for target in targets]))
    except Exception as error:  # whatever the client raises when the server is away
        sys.exit(f"they wait for the next run, since Prefect cannot be told: {error}")


def _print_environment(variables: Mapping[str, str]) -> None:
    if not variables:
        sys.exit("python -m flows: expected servers that run, got none: `python -m flows up`")
    print(*(f"export {name}={shlex.quote(value)}" for name, value in variables.items()), sep="\n")


def _end_orphans() -> None:
    """A worker that is stopped may leave the training of its run behind."""
    from flows import lock, pipeline

    if not lock.is_running():
        pipeline.recover()


def _up(arguments: argparse.Namespace) -> None:
    from flows import background, services

    had_worker = services.running("worker")
    found = services.up(prefect_port=arguments.prefect_port, mlflow_port=arguments.mlflow_port)
    os.environ.update(found)
    from flows.arrivals import announce, bury
    from flows.inbox import INBOX
    from flows.login import LOGIN, MLFLOW_PASSWORD, PREFECT
    from flows.sets import find_sets

    for name in [] if had_worker else bury():
        print(f"run {name} had died with its worker")
    if waiting := [entry.name for entry in find_sets(INBOX)]:
        print(f"{len(waiting)} sets wait in {INBOX}: {announce(waiting)}")
    print(f"Prefect  {found['PREFECT_API_URL'].removesuffix('/api')}\nMLflow   {found['MLFLOW_TRACKING_URI']}")
    if {PREFECT, MLFLOW_PASSWORD} & found.keys():
        print(f"Their pages ask for user and password, Prefect's in one line: {LOGIN} has them")
    print(f"Logs are in {background.STATE}; `python -m flows down` stops it all")


def _parser() -> argparse.ArgumentParser:
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="python -m flows", description="The retraining loop.", epilog=EPILOG, formatter_class=plain
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    parsers = {
        name: commands.add_parser(name, help=text.split(". ")[0], description=text) for name, text in TEXTS.items()
    }
    parsers["submit"].add_argument("paths", nargs="+", type=Path, metavar="PATH", help="folders of photos, or files")
    parsers["watch"].add_argument(
        "folder", nargs="?", type=Path, default=Path("data/incoming"), help="default: %(default)s"
    )
    parsers["watch"].add_argument(
        "--quiet", type=float, default=30, metavar="SECONDS", help="a set is complete after (default: %(default)s)"
    )
    parsers["tidy"].add_argument(
        "--keep", type=int, default=10, metavar="N", help="newest versions whose pictures stay (default: %(default)s)"
    )
    parsers["tidy"].add_argument("--yes", action="store_true", help="remove it")
    parsers["backup"].add_argument("folder", type=Path, metavar="FOLDER", help="on another disk")
    for name, port in {"prefect": 4200, "mlflow": 5000}.items():
        variable = f"DEEPFUSE_{name.upper()}_PORT"
        parsers["up"].add_argument(
            f"--{name}-port",
            type=int,
            default=int(os.environ.get(variable, port)),
            metavar="PORT",
            help=f"default: {variable}, else {port}",
        )
    return parser


if __name__ == "__main__":
    main()
