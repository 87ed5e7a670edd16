"""`python -m flows retrain | submit | remove | watch | sweep | up | env | down`: by hand or as a service."""

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
    "remove": "Take sets out of data/raw and of what DVC records; their files move to data/quarantine/removed. No run "
    "goes on without a recorded set that is merely missing. The next run trains without them.",
    "watch": "Move what cameras or rsync write to a folder into data/inbox, each set when nothing in it changed for "
    "a while, and have the loop run. Half-copied files are never read. Runs until it is ended.",
    "sweep": "Try values of what params.yaml names, chosen by Optuna. Each trains as an experiment of DVC, in a folder "
    "of its own; what counts is MEF-SSIM on the validation patches. A killed sweep is gone on with under its name.",
    "up": "Start the Prefect server, the MLflow server and a worker on this machine, with the schedule and the "
    "trigger of flows/prefect.yaml, and wait until they answer. What runs already is left alone.",
    "env": 'Print what lets other commands into the servers of `up`: eval "$(python -m flows env)". It has their '
    "password.",
    "down": "Stop what `up` started; a retraining that runs is ended and gone on with by the next.",
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
        case "remove":
            _remove(arguments.sets)
        case "watch":
            from flows.watch import watch

            logging.basicConfig(format="%(asctime)s %(message)s", level=logging.WARNING)
            logging.getLogger("flows").setLevel(logging.INFO)
            watch(arguments.folder, quiet_s=arguments.quiet)
        case "sweep":
            _sweep(arguments)
        case "up":
            _up(arguments)
        case "env":
            _print_environment(services.access())
        case "down":
            print("stopped:", ", ".join(services.down()) or "nothing was running")
            _end_orphans()


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


def _remove(sets: list[str]) -> None:
    from deepfuse.bracket import printable
    from flows import pipeline, raw
    from flows.inbox import RAW
    from flows.lock import only_run

    with only_run():
        pipeline.recover()
        moved = raw.remove([name.removeprefix(f"{RAW}/").rstrip("/") for name in sets])
    print("no longer recorded in data/raw.dvc:", *(printable(name) for name in sets))
    for place in moved:
        print(f"{printable(str(place))}: yours to keep or to delete")


def _sweep(arguments: argparse.Namespace) -> None:
    from flows.sweep import parse_range, sweep, table

    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.WARNING)
    logging.getLogger("flows").setLevel(logging.INFO)
    ranges = [parse_range(text) for text in arguments.ranges]
    try:
        study = sweep(ranges, name=arguments.name, trials=arguments.trials, seed=arguments.seed)
    except RuntimeError as error:
        sys.exit(f"python -m flows: {error}")
    print(table(study), "`dvc exp apply EXPERIMENT` takes its params.yaml and its model", sep="\n")


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
    parsers["remove"].add_argument("sets", nargs="+", metavar="SET", help="names of sets in data/raw")
    parsers["watch"].add_argument(
        "folder", nargs="?", type=Path, default=Path("data/incoming"), help="default: %(default)s"
    )
    parsers["watch"].add_argument(
        "--quiet", type=float, default=30, metavar="SECONDS", help="a set is complete after (default: %(default)s)"
    )
    parsers["sweep"].add_argument(
        "ranges", nargs="+", metavar="NAME=VALUES", help="train.batch_size=2|4|8, train.learning_rate=0.0003..0.01:log"
    )
    for option, value, text in (
        ("--trials", 20, "finished trials at the end, with those of before"),
        ("--seed", 0, "of Optuna's choice"),
    ):
        parsers["sweep"].add_argument(
            option, type=int, default=value, metavar="N", help=f"{text} (default: %(default)s)"
        )
    parsers["sweep"].add_argument("--name", default="sweep", help="of the study (default: %(default)s)")
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
