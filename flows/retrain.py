"""Retrain: take in what arrived → `dvc repro` → publish and push the model → promote it if it is better → record it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from prefect import State, flow, task
from prefect.states import Completed

from deepfuse import registry
from deepfuse.evaluation import (
    SURE_GAIN,
    Contender,
    Verdict,
    check_max_worse,
    held_out_scenes,
    judge,
    measure_costs,
    score_cache,
    score_scenes,
)
from deepfuse.evaluation.report import read_scores
from deepfuse.files import write_json
from deepfuse.model import SHIPPED, read_model, weights_sha256
from deepfuse.params import read_params
from flows import drift, events, history, killed, pipeline, raw, remote
from flows.best_known import compared, publish_shipped, start_changed, write_start
from flows.experiments import uncommitted_params
from flows.facts import about_data
from flows.inbox import INBOX, RAW, Arrival, require_raw, take_arrivals
from flows.live import live_curves
from flows.lock import FINISHED, marked, only_run
from flows.logs import log
from flows.pipeline import ALIGNED, METRICS, MODEL, REPORT
from flows.retries import NETWORK
from flows.runs import supersede
from flows.sets import check_kinds, find_sets
from flows.space import require_space

JUDGED_TAG = "deepfuse.judged"
UNCOMMITTED_TAG = "deepfuse.uncommitted_params"
UNCOMMITTED = "parameters that nobody committed, an experiment's perhaps, are of this model"


@flow(name="retrain")
def retrain() -> State[Verdict]:
    """Take in the brackets that arrived, bring the pipeline up to date, and let a better model become champion.

    Killed at any point, the next run finishes the same work. Where nothing is new it ends at once. The run's state says
    what came of it.
    """
    check_max_worse(read_params().promote)  # now, not after the training
    with only_run(), marked():
        killed.recover()
        supersede()
        accept()
        if Path(read_params().ingest.source) == RAW and not find_sets(RAW):
            log("no bracket arrived yet: %s and %s are empty", INBOX, RAW)
            return ended("no bracket arrived yet")
        version = finished()
        if version is not None:
            log("nothing new since version %s of '%s'", version, registry.model_name())
            return ended(f"nothing new since version {version}")
        publish_shipped()
        write_start()
        reproduce()
        version = publish()
        drift.compare(version)
        push()
        verdict: Verdict = promote(version)
        log("the champion is version %s of '%s'", registry.champion_version(), registry.model_name())
        record(version, verdict)
    return ended(in_words(version, verdict), verdict)


def ended(message: str, verdict: Verdict | None = None) -> State[Verdict]:
    """The final state of a run, with what came of it in words; without a verdict, there was nothing to judge."""
    return Completed(message=message, data=verdict or Verdict(False, message))


def in_words(version: str, verdict: Verdict) -> str:
    """What became of a version, and why."""
    return f"version {version} {'promoted' if verdict.promote else 'not promoted'}: {verdict.reason}"


@task
def accept() -> list[Arrival]:
    """Move the sets of the inbox into `data/raw` or to quarantine, and let DVC track what came.

    Raises:
        BracketError: something lies in `data/raw` that is no file, on which DVC would hang; nothing was moved.
        ParamsError: sets wait, but the pipeline reads its brackets elsewhere; nothing was moved.
        BracketError: brackets that were recorded are lost.
        DeepfuseError: the disk has no room for what arrived; nothing was moved.
    """
    if RAW.is_dir():
        check_kinds(RAW)
    source = read_params().ingest.source
    if Path(source) == RAW:
        raw.restore()
    if waiting := find_sets(INBOX):
        require_raw(source)
        require_space(waiting)
    arrivals = take_arrivals(raw.recorded_md5())
    for arrival in arrivals:
        log("%s: %s: %s", arrival.name, arrival.status, arrival.detail)
        if arrival.status == "refused":
            events.tell(events.REFUSED_SET, f"{arrival.name}: {arrival.detail}")
    if Path(source) == RAW and find_sets(RAW):
        raw.record()
    return arrivals


def finished() -> str | None:
    """The version that stands for the state of this folder, if nothing is left to do for it."""
    try:
        mark = json.loads(FINISHED.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if mark.get("state") != state() or start_changed() or not pipeline.up_to_date():
        return None
    version = registry.published_version(pipeline.model_key())
    return version if version == mark.get("version") else None


def state() -> str:
    """What a run brings about, by content: the pipeline's results, and what decides who is champion."""
    rule = read_params().promote.model_dump_json() + weights_sha256(SHIPPED)
    lock = pipeline.LOCK.read_bytes() if pipeline.LOCK.exists() else b""
    return hashlib.sha256(lock + rule.encode()).hexdigest()


@task
def reproduce() -> None:
    """Run `dvc repro`, its progress in this task's log, the curves of a training in MLflow while it runs.

    Raises:
        RuntimeError: a stage failed; what it printed stands above.
    """
    with live_curves():
        pipeline.reproduce()


@task(**NETWORK)
def publish() -> str:
    """The registered version of the model in `data/model`, published if it is new."""
    params, data = read_params().model_dump(), about_data()
    tags = {UNCOMMITTED_TAG: changes} if (changes := uncommitted_params()) else {}
    version = registry.publish(MODEL, REPORT, METRICS, key=pipeline.model_key(), params=params, data=data, tags=tags)
    for warning in filter(None, (registry.second_registry(), changes and f"{UNCOMMITTED}: {changes}")):
        log("%s", warning)
    log("the model in %s is version %s of '%s'", MODEL, version, registry.model_name())
    return version


@task(**NETWORK)
def push() -> None:
    """Send the data and the model to the DVC remote: none becomes champion that only this disk has.

    Raises:
        RuntimeError: the remote cannot be reached, or lacks files still.
    """
    remote.push()


@task(**NETWORK)
def promote(version: str) -> Verdict:
    """Judge a version beside the champion on today's test split; alias it champion if it is better."""
    champion = registry.champion_version()
    tags = registry.version_tags(version)
    if champion == version:
        result = Verdict(False, f"version {version} is the champion")
    elif veto := registry.find_veto(version):
        result = Verdict(False, f"{veto}; `deepfuse promote {version}` lifts the veto")
    elif tags.get(JUDGED_TAG) == f"{state()} {champion}":
        result = Verdict(False, tags[registry.VERDICT_TAG].removeprefix("not promoted: "))
    else:
        result = decide(champion)
        registry.record_verdict(version, result)
        keep_scores(version, champion, result)
        if result.promote:
            registry.promote(version)
        registry.tag_version(version, {JUDGED_TAG: f"{state()} {champion}"})
    log("%s", in_words(version, result))
    if champion != version:
        events.tell(events.PROMOTED if result.promote else events.NOT_PROMOTED, in_words(version, result))
    return result


def decide(champion: str | None) -> Verdict:
    """The verdict on the challenger in `data/model`, whose scores are in `data/metrics`."""
    params, model = read_params(), read_model(MODEL)
    scores, average = (read_scores(METRICS / "scenes.csv", method) for method in ("model", "average"))
    if champion is None:
        own = Contender(scores, *measure_costs(model))
        return judge(own, None, params.promote, baseline=average, reference=compared(MODEL, None))
    with registry.model_folder(f"models:/{registry.model_name()}/{champion}") as found:
        champion_model, reference = read_model(found.folder), compared(MODEL, found.folder)
    scenes = held_out_scenes(ALIGNED, params.split, params.evaluate.scenes)
    champion_scores = score_scenes(
        champion_model, scenes, ALIGNED, exposures=params.evaluate.exposures, cache=score_cache(params.libraries)
    )
    cost, champion_cost = measure_costs(model, champion_model)
    before = Contender(champion_scores, champion_cost)
    return judge(Contender(scores, cost), before, params.promote, reference=reference)


def keep_scores(version: str, champion: str | None, verdict: Verdict) -> None:
    """Keep with a version what it has on the reference set, and with the champion what it has on today's test split."""
    found = {check.name: check for check in verdict.checks}
    of_champion, own = found.get(SURE_GAIN), found.get(registry.REFERENCE_SCORE)
    if champion and of_champion and of_champion.champion is not None:
        registry.log_scores(champion, {registry.TEST_SCORE: of_champion.champion})
    if own and own.challenger is not None:
        registry.log_scores(version, {registry.REFERENCE_SCORE: own.challenger})


@task(**NETWORK)
def record(version: str, verdict: Verdict) -> None:
    """Commit what made this version, say so in its tags, and note that nothing is left to do."""
    commit = history.commit(f"Retrain: version {version} of {registry.model_name()}\n\n{verdict.reason}")
    metrics = json.loads((METRICS / "metrics.json").read_text(encoding="utf-8"))
    tags = {"deepfuse.commit": commit, "deepfuse.data": pipeline.raw_md5()}
    tags["deepfuse.mef_ssim"] = f"{metrics['mef_ssim']['model']:.4f}"
    registry.tag_version(version, {name: value for name, value in tags.items() if value})
    registry.describe(version)
    write_json(FINISHED, {"state": state(), "version": version})
