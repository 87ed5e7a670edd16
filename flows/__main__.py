"""`python -m flows COMMAND`: the loop, by hand or as a service."""

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
    "serve": "Be one of the services in the foreground, for a service manager; `up --install` writes units that do.",
    "env": 'Print what lets other commands into the servers of `up`: eval "$(python -m flows env)". It has their '
    "password.",
    "doctor": "Look whether the loop is well: servers, registry, schedule, worker, versions, disk, brackets, remote, "
    "inbox and last run, a line each with what to do. The exit code is 1 if something is at fault. Changes nothing.",
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
        if arguments.command in ("retrain", "up", "serve", "doctor"):
            from flows.configured import use_recorded

            use_recorded()
        if arguments.command not in ("up", "serve", "env", "down"):
            os.environ |= services.access()
        _run(arguments)
    except (DeepfuseError, background.ServiceError) as error:
        sys.exit(f"python -m flows: {printable_lines(str(error))}")
    except KeyboardInterrupt:
        sys.exit(130)


def _run(arguments: argparse.Namespace) -> None:
    """Prefect is imported by the commands that need it: it takes seconds."""
    from flows import services, starting

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

            _show_log("%(asctime)s %(message)s")
            watch(arguments.folder, quiet_s=arguments.quiet)
        case "sweep":
            _sweep(arguments)
        case "up" if arguments.install or arguments.print:
            starting.install(arguments)
        case "up":
            starting.up(arguments)
        case "serve":
            _show_log("%(message)s")
            starting.serve(arguments)
        case "env":
            from flows.configured import use_recorded

            _print_environment({**use_recorded(), **services.access()})
        case "doctor":
            from flows.doctor import report

            sys.stdout.flush()
            os._exit(report())  # a check that hangs holds nobody up
        case "down":
            print("stopped:", ", ".join(services.down()) or "nothing was running")
            starting.end_orphans()
        case "tidy" | "backup":
            _keep_house(arguments)


def _show_log(line: str) -> None:
    """What the loop says, of a command that is no run of Prefect's."""
    logging.basicConfig(format=line, level=logging.WARNING)
    logging.getLogger("flows").setLevel(logging.INFO)


def _keep_house(arguments: argparse.Namespace) -> None:
    from flows.backup import backup
    from flows.retention import tidy

    _show_log("%(message)s")
    if arguments.command == "backup":
        backup(arguments.folder)
    else:
        tidy(keep=arguments.keep, remove=arguments.yes)


def _submit(paths: list[Path]) -> None:
    from deepfuse.bracket import printable
    from deepfuse.params import read_params
    from flows.arrivals import submit
    from flows.inbox import require_raw
    from flows.runs import announce

    ingest = read_params().ingest
    require_raw(ingest.source)
    targets = submit(paths, most_bytes=ingest.limits.file_gb * 1e9)
    print(*(printable(str(target)) for target in targets), sep="\n")
    try:
        print(announce([target.name for target in targets]))
    except Exception as error:  # whatever the client raises when the server is away
        sys.exit(f"they wait for the next run, since Prefect cannot be told: {error}")


def _sweep(arguments: argparse.Namespace) -> None:
    from flows.sweep import parse_range, sweep, table

    _show_log("%(asctime)s %(message)s")
    ranges = [parse_range(text) for text in arguments.ranges]
    try:
        study = sweep(ranges, name=arguments.name, trials=arguments.trials, seed=arguments.seed)
    except RuntimeError as error:
        sys.exit(f"python -m flows: {error}")
    print(table(study), "`dvc exp apply EXPERIMENT` takes its params.yaml and its model", sep="\n")


def _remove(sets: list[str]) -> None:
    from deepfuse.bracket import printable
    from flows import killed, raw
    from flows.inbox import RAW
    from flows.lock import only_run

    with only_run():
        killed.recover()
        moved = raw.remove([name.removeprefix(f"{RAW}/").rstrip("/") for name in sets])
    print("no longer recorded in data/raw.dvc:", *(printable(name) for name in sets))
    for place in moved:
        print(f"{printable(str(place))}: yours to keep or to delete")


def _print_environment(variables: Mapping[str, str]) -> None:
    if not variables:
        sys.exit("python -m flows: expected servers that run, got none: `python -m flows up`")
    print(*(f"export {name}={shlex.quote(value)}" for name, value in variables.items()), sep="\n")


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
        "ranges", nargs="+", metavar="NAME=VALUES", help="train.batch_size=2|4|8, train.tuning_rate=0.0001..0.003:log"
    )
    for option, value, text in (
        ("--trials", 20, "finished trials at the end, with those of before"),
        ("--seed", 0, "of Optuna's choice"),
    ):
        parsers["sweep"].add_argument(
            option, type=int, default=value, metavar="N", help=f"{text} (default: %(default)s)"
        )
    parsers["sweep"].add_argument("--name", default="sweep", help="of the study (default: %(default)s)")
    parsers["up"].add_argument("--install", action="store_true", help="write units of systemd instead, for this user")
    parsers["up"].add_argument("--print", action="store_true", help="print these units instead")
    parsers["serve"].add_argument("service", choices=("prefect", "mlflow", "worker"))
    parsers["serve"].add_argument("--port", type=int, help="of a server")
    parsers["serve"].add_argument("--pull", action="store_true", help="worker: first fetch what the folder lacks")
    parsers["serve"].add_argument("--remote", metavar="ADDRESS", help="of the DVC remote to pull from, from now on")
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
