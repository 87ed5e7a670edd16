"""`deepfuse watch` as a process: what it says, how it ends, and what a killed one leaves to the next."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.batches import shoot, state
from support.projects import ROOT

from deepfuse.cli import main

OPTIONS = ["--format", "png", "--no-align", "--no-deghost", "--jobs", "1"]


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A watch of an empty folder that has begun."""
    (tmp_path / "in").mkdir()
    command = [sys.executable, "-m", "deepfuse.cli", "watch", f"{tmp_path}/in", "-o", f"{tmp_path}/out", *OPTIONS]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([*command, "--settle", "0.2"], stdout=subprocess.PIPE, env=environment, text=True)
    assert process.stdout
    assert process.stdout.readline() == f"watching {tmp_path}/in: pictures go to {tmp_path}/out; Ctrl-C ends it\n"
    yield process
    process.kill()
    process.communicate()


def test_a_killed_watch_leaves_what_the_next_batch_goes_on_with(
    watching: subprocess.Popen[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shoot(tmp_path / "in/barn", 1)
    assert watching.stdout
    assert watching.stdout.readline() == f"made: barn: {tmp_path}/out/barn.png of 3 frames\n"
    made = state(tmp_path / "out")
    shoot(tmp_path / "in/cave", 2)
    watching.kill()
    watching.wait()
    assert main(["batch", f"{tmp_path}/in", "-o", f"{tmp_path}/out", *OPTIONS]) == 0
    assert "1 finished before" in capsys.readouterr().out
    after = state(tmp_path / "out")
    assert after.keys() == {"barn.png", "cave.png"}
    assert after["barn.png"] == made["barn.png"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_in_order(watching: subprocess.Popen[str], number: signal.Signals) -> None:
    watching.send_signal(number)
    said, _ = watching.communicate(timeout=60)
    assert (watching.returncode, said) == (0, "0 sets fused, 0 failed\n")


def test_who_would_make_its_pictures_otherwise_is_refused_while_it_runs(
    watching: subprocess.Popen[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = [f"{tmp_path}/in", "-o", f"{tmp_path}/out", *OPTIONS]
    shoot(tmp_path / "in/barn", 1)
    assert watching.stdout
    assert "made: barn" in watching.stdout.readline()
    assert main(["watch", *here, "--name", "{stem}"]) == 4
    assert f"got that of process {watching.pid}, which watches {tmp_path}/in; " in capsys.readouterr().err
    assert main(["batch", *here, "--name", "{stem}", "--jpeg-quality", "80"]) == 4
    assert "another name, encoding, and would make these anew" in capsys.readouterr().err
    assert main(["batch", *here]) == 0
    assert "1 finished before" in capsys.readouterr().out
    watching.kill()
    watching.wait()
    assert main(["batch", *here, "--name", "{stem}"]) == 0
    assert state(tmp_path / "out").keys() == {"barn.png", "0.png"}


def test_what_cannot_be_watched_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", f"{tmp_path}/no", "-o", f"{tmp_path}/out"]) == 4
    assert "expected a folder to watch, got nothing" in capsys.readouterr().err
    assert main(["watch", f"{tmp_path}", "-o", f"{tmp_path}"]) == 4
    for seconds in ("0", "nan", "soon"):
        with pytest.raises(SystemExit):
            main(["watch", str(tmp_path), "-o", f"{tmp_path}/out", "--settle", seconds])
        assert f"expected seconds from 0.1 to 3600, got {seconds}" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
