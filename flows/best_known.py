"""The best models known: the shipped weights as a version of their own, and what a training goes on from."""

from __future__ import annotations

import tempfile
from pathlib import Path

from prefect import task

from deepfuse import registry
from deepfuse.errors import ModelError
from deepfuse.evaluation import OnReference, Verdict, failures, reference_checks, reference_means
from deepfuse.evaluation.reference import ReferenceScores, reference_cache, reference_scores
from deepfuse.files import replacing, write_json, write_text
from deepfuse.model import CONFIG_FILE, SHIPPED, WEIGHTS_FILE, weights_sha256
from deepfuse.params import read_params
from flows import events, pipeline
from flows.logs import log
from flows.retries import NETWORK

START = Path("data/start")
ORIGIN_TAG, SHIPPED_ORIGIN = "deepfuse.origin", "shipped"
WITHOUT = ("shipped", "scratch")  # what a training starts from that the loop need not put anywhere


@task(**NETWORK)
def publish_shipped() -> None:
    """Make the shipped weights a version, once, and champion where there is none or one that is worse.

    Worse is what the reference set says. An older installation's champion is asked once for each release of weights:
    whoever then makes another one champion is not overruled.
    """
    key = f"{SHIPPED_ORIGIN}-{weights_sha256(SHIPPED)[:32]}"
    version, champion = registry.published_version(key), registry.champion_version()
    if champion and version and registry.VERDICT_TAG in registry.version_tags(version):
        return
    version = version or _publish(key)
    verdict = _beside(champion)
    registry.record_verdict(version, verdict)
    log("version %s of '%s': %s", version, registry.model_name(), verdict.reason)
    if verdict.promote and champion != version:
        registry.promote(version)
        events.tell(events.PROMOTED, f"version {version} promoted: {verdict.reason}")


def _publish(key: str) -> str:
    """A version without a training: its figures are those of the reference set."""
    scores = on_reference(SHIPPED)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_json(folder / "metrics.json", {"reference": reference_means(scores)})
        write_json(folder / "reference.json", scores)
        write_text(folder / "history.csv", "epoch\n")
        tags, params = {ORIGIN_TAG: SHIPPED_ORIGIN}, {"origin": SHIPPED_ORIGIN}
        return registry.publish(SHIPPED, folder, folder, key=key, params=params, tags=tags)


def _beside(champion: str | None) -> Verdict:
    """Whether the shipped weights take the place of the champion, with what it fails on the reference set."""
    if champion is None:
        return Verdict(True, "the shipped weights: there was no champion")
    with registry.model_folder(f"models:/{registry.model_name()}/{champion}") as found:
        scores = OnReference(on_reference(found.folder), {SHIPPED_ORIGIN: on_reference(SHIPPED)})
    failed = failures(reference_checks(scores, read_params().promote.reference))
    if failed:
        return Verdict(True, f"the shipped weights: champion {champion} is worse on the reference set: {failed}")
    return Verdict(False, f"the shipped weights: champion {champion} is no worse on the reference set, and stays")


def compared(challenger: Path, champion: Path | None) -> OnReference:
    """Scores on the reference set of a challenger beside the shipped weights and the champion."""
    known = {SHIPPED_ORIGIN: SHIPPED} | ({"champion": champion} if champion else {})
    return OnReference(on_reference(challenger), {name: on_reference(folder) for name, folder in known.items()})


def on_reference(model: Path) -> ReferenceScores:
    """The scores of a folder of weights on the reference set, measured once for the code and libraries as they are."""
    return reference_scores(model, reference_cache(read_params().libraries))


@task(**NETWORK)
def write_start() -> None:
    """Put what `train.start` names into `data/start`, unless nothing but that would have the model trained again.

    A champion that came from this very folder is nothing new: to go on from it without new brackets, parameters or code
    would never end.
    """
    start = read_params().train.start
    if start in WITHOUT:
        return
    with registry.model_folder(_source(start)) as found:
        if not _is_news(weights_sha256(found.folder)) and pipeline.up_to_date():
            return
        START.mkdir(parents=True, exist_ok=True)
        for name in (WEIGHTS_FILE, CONFIG_FILE):
            with replacing(START / name) as temporary:
                temporary.write_bytes((found.folder / name).read_bytes())
        log("the training starts from %s", found.name)


def start_changed() -> bool:
    """Whether training is to go on from weights that are neither those in `data/start` nor what came of them."""
    start = read_params().train.start
    if start in WITHOUT:
        return False
    with registry.model_folder(_source(start)) as found:
        return _is_news(weights_sha256(found.folder))


def _source(start: str) -> str:
    return f"models:/{registry.model_name()}@{registry.CHAMPION}" if start == "champion" else start


def _is_news(sha256: str) -> bool:
    return sha256 not in map(_sha256, (START, pipeline.MODEL))


def _sha256(folder: Path) -> str | None:
    """The hash of the weights in a folder; `None` without, or if they were cut short."""
    try:
        return weights_sha256(folder)
    except ModelError:
        return None
