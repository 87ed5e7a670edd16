"""Kill, corrupt, fill and stop the loop, and show that the next run finishes the work: `python tests/faults/run.py`.

Every case starts from one small project with a champion and two new brackets in the inbox. After the fault every
bracket must be in the inbox, in raw or in quarantine, and the champion must load; after the next run there must be
one version for each model, and nothing left to do. Names of cases, or parts of names, run only these.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(Path(__file__).parent)]

from cases import CHILD, Case, cases, plain  # noqa: E402
from support.projects import SCENES, add_scene, commit_all, make_project, raw_project, run_dvc, set_params  # noqa: E402

from deepfuse.evaluation import guards  # noqa: E402

NEW = ("fjord", "gale")
# Any gain promotes: what is tested is that the second model takes over once, not that it deserves it.
LENIENT = {
    "min_scenes": 1,
    "min_gain": 0.0,
    "confidence": 0.51,
    "max_drop": 1.0,
    "max_worse": dict.fromkeys(guards(), 9.0),
}


def make_base(project: Path) -> None:
    """A project in git whose champion was trained on five brackets, for one epoch."""
    make_project(project)
    (project / "data").mkdir(exist_ok=True)
    raw_project(project)
    set_params(project, {"train": {"epochs": 1}, "promote": LENIENT})
    run_dvc(project, "remote", "add", "--default", "store", str(project.parent / "remote"))
    commit_all(project)
    assert plain(project) == [0], (project.parent / "log").read_text()
    for seed, name in enumerate(NEW, 9):
        add_scene(project, name, seed, folder="data/inbox")
    set_params(project, {"train": {"epochs": 3}})


def make_trained(project: Path, kept: Path) -> None:
    """Run on the new brackets once, and keep of it nothing but the cached results of the stages."""
    assert plain(project) == [0], (project.parent / "log").read_text()
    for name in (".dvc/cache", ".deepfuse/cache"):
        shutil.copytree(project / name, kept / name)


def run(case: Case, base: Path, project: Path) -> tuple[list[int], list[str]]:
    """The exit status of the run with the fault, and what is wrong after it and after the next."""
    shutil.rmtree(project)
    shutil.copytree(base, project, symlinks=True)
    if case.trained:
        shutil.rmtree(project / ".dvc/cache")
        shutil.rmtree(project / ".deepfuse/cache")
        shutil.copytree(base.parent / "cache", project, dirs_exist_ok=True)
    (project.parent / "log").write_text("")
    case.arrange(project)
    codes = case.run(project)
    wrong = [] if set(codes) == {case.code} else [f"expected exit status {case.code}"]
    wrong += lost(project)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, CHILD, "again"]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    with (project.parent / "log").open("a") as log:
        log.write(done.stdout + done.stderr)
    if done.returncode:
        return codes, [*wrong, f"the next run: {done.stderr.strip().splitlines()[-1]}"]
    states = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"keys"')]
    return codes, [*wrong, *lost(project), *faults(states[-1], case)]


def lost(project: Path) -> list[str]:
    """The brackets that are nowhere."""
    folders = [project / "data" / name for name in ("inbox", "raw", "quarantine")]
    found = {entry.name for folder in folders if folder.exists() for entry in folder.iterdir()}
    return [f"{name} is lost" for name in sorted({*SCENES, *NEW} - found)]


def faults(state: dict[str, Any], case: Case) -> list[str]:
    """What is wrong with the registry, or left to do."""
    wrong = [f"left to do: {state['left']}"] if state["left"] else []
    if len(set(state["keys"])) != len(state["keys"]) or len(state["keys"]) != 2:
        wrong.append(f"expected 2 versions of 2 models, got {state['keys']}")
    if state["champion"] != case.champion:
        wrong.append(f"expected champion {case.champion}, got {state['champion']}")
    return wrong


def main() -> None:
    """Run the cases and print a table; the exit status is the number of those that failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of a case, or a part of one; all cases if none")
    names = parser.parse_args().names
    chosen = [case for case in cases() if not names or any(name in case.name for name in names)]
    folder = Path(tempfile.mkdtemp(prefix="deepfuse-faults-"))
    project, base = folder / "project", folder / "base"
    os.environ["PREFECT_HOME"] = str(folder / "prefect")
    make_base(project)
    shutil.copytree(project, base, symlinks=True)
    make_trained(project, folder / "cache")
    print(f"| {'fault':44} | exit | next run: nothing lost, one version a model, champion | s |\n|---|---|---|---|")
    failed = 0
    for case in chosen:
        begin = time.monotonic()
        codes, wrong = run(case, base, project)
        status, result = "/".join(map(str, codes)), "; ".join(wrong) or "ok"
        print(f"| {case.name:44} | {status} | {result} | {time.monotonic() - begin:.0f} |", flush=True)
        if wrong:
            failed += 1
            shutil.copy(folder / "log", folder / f"{case.name}.log".replace(" ", "_"))
    print(f"{len(chosen) - failed} of {len(chosen)} hold" + (f"; logs in {folder}" if failed else ""))
    if not failed:
        shutil.rmtree(folder)
    sys.exit(failed)


if __name__ == "__main__":
    main()
