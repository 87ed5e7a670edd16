"""A stage that was killed, or that DVC did not record, costs nothing but time."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from support.projects import outputs, results, run_dvc, stages_run


def start(project: Path, stage: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", f"deepfuse.stages.{stage}"]
    return subprocess.Popen(command, cwd=project, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kill_when(process: subprocess.Popen[bytes], ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not ready():
        assert process.poll() is None, "the stage ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def forget(project: Path, stage: str, out: str) -> None:
    """As before the stage's first run: no output, no private result, no entry in DVC's run cache."""
    kept = (f".deepfuse/cache/{stage}", ".deepfuse/checkpoints", ".dvc/cache/runs", f"data/{out}")
    for name in kept:
        shutil.rmtree(project / name, ignore_errors=True)


def test_a_kill_in_ingest_costs_nothing_but_time(project: Path) -> None:
    expected = outputs(project, "ingest")
    forget(project, "ingest", "frames")
    process = start(project, "ingest")
    kill_when(process, lambda: len(results(project, "ingest")) >= 2)
    assert not (project / "data/frames/manifest.json").exists()
    made = results(project, "ingest")
    assert stages_run(run_dvc(project, "repro", "--force", "--single-item", "ingest")) == ["ingest"]
    assert made.items() <= results(project, "ingest").items()
    assert outputs(project, "ingest") == expected


def test_a_kill_in_training_gives_the_same_model(project: Path) -> None:
    expected = outputs(project, "train")
    forget(project, "train", "model")
    process = start(project, "train")
    kill_when(process, lambda: any((project / ".deepfuse").glob("checkpoints/*/epoch.pt")))
    assert not (project / "data/model/model.safetensors").exists()
    with (project / "deepfuse/training/fit.py").open("a") as file:
        file.write("# A remark, which costs no epoch.\n")
    assert stages_run(run_dvc(project, "repro", "--force", "--single-item", "train")) == ["train"]
    assert outputs(project, "train") == expected


def test_a_training_that_dvc_did_not_record_is_not_begun_again(project: Path) -> None:
    (checkpoint,) = (project / ".deepfuse/checkpoints").glob("*/epoch.pt")
    written, weights = checkpoint.stat().st_mtime_ns, project / "data/model/model.safetensors"
    expected = weights.read_bytes()
    (project / ".deepfuse/checkpoints/old").mkdir()
    os.utime(project / ".deepfuse/checkpoints/old", (0, 0))
    shutil.rmtree(project / "data/model")
    assert start(project, "train").wait() == 0
    assert weights.read_bytes() == expected
    assert checkpoint.stat().st_mtime_ns == written  # no epoch was trained
    assert list((project / ".deepfuse/checkpoints").iterdir()) == [checkpoint.parent]
