"""A sweep: values of what params.yaml names, chosen by Optuna, each tried as an experiment of DVC."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import optuna
from optuna.trial import TrialState

from deepfuse.errors import ParamsError
from deepfuse.params import read_params
from flows import history, pipeline
from flows.logs import log

FOLDER = Path(".deepfuse/sweeps")
STAGE = "train"
MEASURE = "val_mef_ssim"  # of the patches that no training step sees; the test scenes are the gate's alone
HISTORY = pipeline.METRICS / "history.csv"
TRIAL_TAG = "experiment"

Value = bool | int | float | str


@dataclass(frozen=True)
class Range:
    """The values of one parameter: some of a list, or numbers from `low` to `high`."""

    name: str
    choices: tuple[Value, ...] = ()
    low: float = 0
    high: float = 0
    log: bool = False

    def suggest(self, trial: optuna.Trial) -> Value:
        """The value that Optuna tries next."""
        if self.choices:
            return cast(Value, trial.suggest_categorical(self.name, self.choices))
        if isinstance(self.low, int) and isinstance(self.high, int):
            return trial.suggest_int(self.name, self.low, self.high, log=self.log)
        return trial.suggest_float(self.name, self.low, self.high, log=self.log)


def parse_range(text: str) -> Range:
    """`train.batch_size=2|4|8` or `train.learning_rate=0.0003..0.01:log`.

    Raises:
        ParamsError: it is neither, or names what params.yaml does not.

    >>> parse_range("train.learning_rate=0.0003..0.01:log")
    Range(name='train.learning_rate', choices=(), low=0.0003, high=0.01, log=True)
    """
    name, _, values = text.partition("=")
    known = _value_of(name)
    with suppress(ValueError):
        if "|" in values:
            return Range(name, choices=tuple(_parse(each, known) for each in values.split("|")))
        span, _, scale = values.partition(":")
        low, _, high = span.partition("..")
        found = Range(name, low=_number(low), high=_number(high), log=scale == "log")
        if found.low < found.high and scale in ("", "log") and not (found.log and found.low <= 0):
            return found
    raise ParamsError(
        f"{text}: expected {name or 'NAME'}=A|B|C or {name or 'NAME'}=LOW..HIGH, or LOW..HIGH:log above 0"
    )


def sweep(ranges: Sequence[Range], *, name: str, trials: int, seed: int) -> optuna.Study:
    """Try values until the study has so many finished trials; a killed sweep is gone on with under its name.

    Args:
        ranges: what is varied; at least one.
        name: of the study in `.deepfuse/sweeps`, and how its experiments begin.
        trials: how many are finished at the end, with those of before.
        seed: of Optuna's choice.

    Raises:
        RuntimeError: three trials failed one after the other, of which the last is told.
    """
    study = _open(name, seed)
    failed = 0
    while (done := len(study.get_trials(states=[TrialState.COMPLETE]))) < trials:
        trial = study.ask()
        experiment = f"{name}-{trial.number:03d}"
        values = {each.name: each.suggest(trial) for each in ranges}
        log("%s, %d of %d: %s", experiment, done + 1, trials, ", ".join(f"{k}={v}" for k, v in values.items()))
        trial.set_user_attr(TRIAL_TAG, experiment)
        try:
            score = _try(experiment, values)
        except RuntimeError as error:
            study.tell(trial, state=TrialState.FAIL)
            log("%s failed: %s", experiment, error)
            failed += 1
            if failed == 3:
                raise
            continue
        failed = 0
        study.tell(trial, score)
        log("%s: %s %.5f, best %.5f", experiment, MEASURE, score, study.best_value)
    return study


def table(study: optuna.Study, most: int = 10) -> str:
    """The best trials, one a line."""
    finished = study.get_trials(states=[TrialState.COMPLETE])
    finished.sort(key=lambda trial: trial.value or 0, reverse=True)
    lines = [
        f"{trial.value:.5f}  {trial.user_attrs[TRIAL_TAG]}  "
        + " ".join(f"{name}={value}" for name, value in trial.params.items())
        for trial in finished[:most]
    ]
    return "\n".join([f"{MEASURE}  experiment", *lines])


def _open(name: str, seed: int) -> optuna.Study:
    optuna.logging.set_verbosity(logging.WARNING)
    FOLDER.mkdir(parents=True, exist_ok=True)
    storage = f"sqlite:///{(FOLDER / name).absolute()}.db"
    study = optuna.create_study(study_name=name, storage=storage, direction="maximize", load_if_exists=True)
    # One that is gone on with must not choose the values of its first trials again.
    study.sampler = optuna.samplers.TPESampler(seed=seed + len(study.trials))
    for trial in study.get_trials(states=[TrialState.RUNNING]):  # of a sweep that was killed
        study.tell(trial.number, state=TrialState.FAIL)
    return study


def _try(experiment: str, values: dict[str, Value]) -> float:
    """Train with these values in a folder of DVC's own; how good the weights are."""
    settings = [word for name, value in values.items() for word in ("-S", f"{name}={_yaml(value)}")]
    pipeline.dvc("exp", "run", "--temp", "-n", experiment, *settings, STAGE)
    rows = list(csv.DictReader(io.StringIO(history.read_experiment(experiment, HISTORY))))
    if not rows or not rows[-1][MEASURE]:
        raise RuntimeError(f"{HISTORY}: expected {MEASURE}, got none: no scene is in the split `val`")
    return float(rows[-1][MEASURE])


def _value_of(name: str) -> Any:
    """What params.yaml says of a dotted name."""
    found: Any = read_params().model_dump()
    for part in name.split("."):
        if not isinstance(found, dict) or part not in found:
            raise ParamsError(f"{name}: expected a parameter of params.yaml, such as train.learning_rate")
        found = found[part]
    return found


def _parse(text: str, like: Any) -> Value:
    return text if isinstance(like, str) else text == "true" if isinstance(like, bool) else _number(text)


def _number(text: str) -> float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _yaml(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
