"""A sweep tries values as experiments of DVC, chooses by the validation patches, and goes on after a kill."""

from __future__ import annotations

import csv
import subprocess
from pathlib import Path

import optuna
import pytest
from support.projects import ROOT, commit_all

from deepfuse.errors import ParamsError
from flows import pipeline
from flows.history import read_experiment
from flows.sweep import FOLDER, HISTORY, Range, parse_range, sweep, table

RATES = Range("train.learning_rate", low=0.0005, high=0.005, log=True)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("train.batch_size=2|4", Range("train.batch_size", choices=(2, 4))),
        ("train.epochs=2..8", Range("train.epochs", low=2, high=8)),
        ("train.learning_rate=1e-4..0.01:log", Range("train.learning_rate", low=1e-4, high=0.01, log=True)),
        ("model.arch=paper|pyramid", Range("model.arch", choices=("paper", "pyramid"))),
    ],
)
def test_ranges_are_read(text: str, found: Range, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert parse_range(text) == found


@pytest.mark.parametrize(
    "text", ["train.epochs", "train.epochs=3", "train.epochs=8..2", "train.halo_weight=0..1:log", "train.epoch=1|2"]
)
def test_what_is_no_range_is_refused_by_name(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(ParamsError, match="train"):
        parse_range(text)


@pytest.mark.usefixtures("warm")
def test_a_trial_is_an_experiment_with_its_values(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    commit_all(project)
    before = status()
    study = sweep([RATES], name="rates", trials=1, seed=0)
    assert status() == before
    experiment = table(study).splitlines()[1].split()[1]
    assert f"learning_rate: {study.best_params[RATES.name]}" in read_experiment(experiment, Path("params.yaml"))
    *_, last = csv.DictReader(read_experiment(experiment, HISTORY).splitlines())
    assert float(last["val_mef_ssim"]) == study.best_value


def status() -> str:
    return subprocess.run(["git", "status", "--short"], capture_output=True, text=True, check=True).stdout


def test_a_trial_that_fails_or_was_killed_costs_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    FOLDER.mkdir(parents=True)
    optuna.create_study(
        study_name="rates", storage=f"sqlite:///{FOLDER.absolute()}/rates.db", direction="maximize"
    ).ask()
    asked: list[str] = []

    def fail_first(experiment: str, values: object) -> float:
        asked.append(experiment)
        if len(asked) == 1:
            raise RuntimeError("dvc exp run: expected exit code 0, got 255")
        return 0.5

    monkeypatch.setattr("flows.sweep._try", fail_first)
    study = sweep([RATES], name="rates", trials=1, seed=0)
    assert [trial.state.name for trial in study.trials] == ["FAIL", "FAIL", "COMPLETE"]
    assert asked == ["rates-001", "rates-002"]


def test_three_failures_in_a_row_end_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def fail(*arguments: str, **settings: str) -> str:
        raise RuntimeError("no space left")

    monkeypatch.setattr(pipeline, "dvc", fail)
    with pytest.raises(RuntimeError, match="no space left"):
        sweep([RATES], name="rates", trials=9, seed=0)
