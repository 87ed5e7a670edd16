"""Retrain: `dvc repro` → publish the model → promote it if it is better than the champion."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

from prefect import flow, get_run_logger, task
from prefect.exceptions import MissingContextError

from deepfuse import registry
from deepfuse.evaluation import Contender, Verdict, held_out_scenes, judge, measure_costs, score_scenes
from deepfuse.params import read_params, read_yaml
from deepfuse.report import read_scores

ALIGNED = Path("data/aligned")
MODEL = Path("data/model")
REPORT = Path("data/report")


@flow(name="retrain")
def retrain() -> Verdict:
    """Bring the pipeline up to date, publish the model it made, and let it become champion if it is better."""
    reproduce()
    version = publish()
    return promote(version)


@task
def reproduce() -> None:
    """Run `dvc repro`, its progress in this task's log.

    Raises:
        RuntimeError: a stage failed; what it printed stands above.
    """
    folder = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": os.pathsep.join([folder, os.environ.get("PATH", "")])}
    environment.setdefault("TQDM_MININTERVAL", "10")  # seconds between two lines of a progress bar
    command = [str(Path(folder) / "dvc"), "repro"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip():
                log(line.rstrip())
    if process.returncode:
        raise RuntimeError(f"dvc repro: expected exit code 0, got {process.returncode}")


@task
def publish() -> str:
    """The registered version of the model in `data/model`, published if it is new."""
    params = read_params()
    version = registry.publish(MODEL, REPORT, key=model_key(), params=params.model_dump())
    log("the model in %s is version %s of '%s'", MODEL, version, registry.NAME)
    return version


@task
def promote(version: str) -> Verdict:
    """Judge a version beside the champion on today's test split; alias it champion if it is better."""
    champion = registry.champion_version()
    if champion == version:
        result = Verdict(False, f"version {version} is the champion")
    else:
        result = decide(champion)
        registry.record_verdict(version, result)
        if result.promote:
            registry.promote(version)
    log("version %s %s: %s", version, "promoted" if result.promote else "not promoted", result.reason)
    return result


def decide(champion: str | None) -> Verdict:
    """The verdict on the challenger in `data/report`."""
    params, model = read_params(), registry.load_model(MODEL)
    scores, average = (read_scores(REPORT / "scenes.csv", method) for method in ("model", "average"))
    if champion is None:
        return judge(Contender(scores, *measure_costs(model)), None, params.promote, baseline=average)
    champion_model = registry.load_model(f"models:/{registry.NAME}/{champion}")
    scenes = held_out_scenes(ALIGNED, **params.split.model_dump())
    champion_scores = score_scenes(champion_model, scenes, ALIGNED, exposures=params.evaluate.exposures)
    cost, champion_cost = measure_costs(model, champion_model)
    return judge(Contender(scores, cost), Contender(champion_scores, champion_cost), params.promote)


def log(message: str, *values: object) -> None:
    """Into the log of the run, or of Python where the function runs without its decorator."""
    try:
        get_run_logger().info(message, *values)
    except MissingContextError:
        logging.getLogger(__name__).info(message, *values)


def model_key() -> str:
    """What names the model by its content: the md5 of `data/model` in `dvc.lock`."""
    outs = read_yaml(Path("dvc.lock"))["stages"]["train"]["outs"]
    return next(str(out["md5"]) for out in outs if out["path"] == MODEL.as_posix())
