"""`deepfuse doctor`: an installation by itself, and a checkout, whose loop says how it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deepfuse import registry
from deepfuse.cli import doctor, main
from deepfuse.errors import Unreachable


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


def checkout(elsewhere: Path, program: str) -> None:
    """A checkout whose loop is this program."""
    (elsewhere / "flows").mkdir()
    for name in doctor.CHECKOUT:
        (elsewhere / name).touch()
    (elsewhere / "flows/__init__.py").touch()
    (elsewhere / "flows/__main__.py").write_text(program)


def test_an_installation_is_well_and_nothing_is_written(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["ok"] * 3
    assert "the shipped ones load" in lines[1]
    assert list(elsewhere.iterdir()) == []


def test_what_is_missing_or_away_is_a_fault(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def away() -> None:
        raise Unreachable("http://there: connection refused")

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://there")
    monkeypatch.setattr(registry, "champion_version", away)
    monkeypatch.setattr(doctor, "_required", lambda: ["numpy", "no-such-package"])
    assert main(["doctor", "--json"]) == 1
    found = {each["about"]: each["level"] for each in json.loads(capsys.readouterr().out)["findings"]}
    assert found["registry: http://there: connection refused"] == "fault"
    assert found["packages: no no-such-package: `pip install deepfuse`"] == "fault"


def test_in_a_checkout_the_loop_speaks(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkout(elsewhere, "import sys; print('ok      disk: 9 GB free'); print('fault   worker: none'); sys.exit(1)")
    assert main(["doctor"]) == 1
    assert capsys.readouterr().out.splitlines()[2:] == ["ok      disk: 9 GB free", "fault   worker: none"]


def test_a_loop_that_hangs_or_dies_is_a_fault(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout(elsewhere, "raise SystemExit('no such module')")
    assert main(["doctor"]) == 1
    assert "fault   loop: no such module" in capsys.readouterr().out
    (elsewhere / "flows/__main__.py").write_text("import time; time.sleep(60)")
    monkeypatch.setattr(doctor, "LIMIT_S", 0.5)
    assert main(["doctor"]) == 1
    assert "fault   loop: no answer within 0.5 s" in capsys.readouterr().out
