"""The commands where MLflow, which comes with the loop alone, is not installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from deepfuse import load_model
from deepfuse.cli import main
from deepfuse.errors import ModelError

HOW = "pip install 'deepfuse[loop]'"


@pytest.fixture(autouse=True)
def without_mlflow(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)


@pytest.mark.parametrize("command", [["models"], ["promote", "1"], ["rollback"]], ids=lambda command: command[0])
def test_the_registry_says_what_to_install(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command) == 5
    said = capsys.readouterr().err
    assert HOW in said
    assert said.count("\n") == 1


def test_a_registered_model_says_it_and_the_shipped_one_works(
    files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out.png")
    assert main(["fuse", *files, "-o", out, "--model", "models:/deepfuse@champion"]) == 5
    assert HOW in capsys.readouterr().err
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(ModelError, match="mlflow, which is not installed"):
        load_model("models:/deepfuse/1")
    assert main(["fuse", *files, "-o", out]) == 0
