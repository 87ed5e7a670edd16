"""The registered versions, what is known of them, and the aliases that say which one serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from deepfuse.errors import ModelError
from deepfuse.registry.artifact import FILES_TAG, check_files
from deepfuse.registry.card import describe
from deepfuse.registry.connection import ABSENT, CHAMPION, VERDICT_TAG, connect, connect_existing, reaching
from deepfuse.registry.golden import check_golden
from deepfuse.registry.loading import download, scratch
from deepfuse.registry.settings import model_name
from deepfuse.registry.vetoes import Veto, find_veto, lift_veto, read_veto, set_veto

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from deepfuse.evaluation.verdict import Verdict

PREVIOUS_TAG = "deepfuse.previous_champion"  # of the registered model
OF_THE_MODEL = ".model"  # how the model's own metrics end, beside its baselines'
TEST_SCORE, REFERENCE_SCORE = "test.mef_ssim", "reference.mef_ssim"  # what a version had when it was last compared


@dataclass(frozen=True)
class Version:
    """A registered version, with its mean scores on the test scenes of its day.

    `test_score` is the mean MEF-SSIM on the test scenes of the day on which it was last compared, `reference_score` on
    the reference set; `None` where it was never measured there.
    """

    number: str
    aliases: tuple[str, ...]
    metrics: Mapping[str, float]
    test_score: float | None
    reference_score: float | None
    verdict: str | None
    created: datetime
    veto: Veto | None


@dataclass(frozen=True)
class Move:
    """Where the alias `champion` was, `None` if nowhere, and where it is."""

    before: str | None
    after: str


@reaching()
def versions() -> tuple[Version, ...]:
    """Every registered version, the oldest first; none if nothing was ever published.

    Raises:
        ModelError: there is no registry.
    """
    client = connect_existing("the registered models")
    found = sorted(client.search_model_versions(f"name='{model_name()}'"), key=lambda version: int(version.version))
    aliases = client.get_registered_model(model_name()).aliases if found else {}
    return tuple(_version(client, version, aliases) for version in found)


def _version(client: MlflowClient, version: Any, aliases: Mapping[str, str]) -> Version:
    metrics = client.get_run(version.run_id).data.metrics
    own = {name.removesuffix(OF_THE_MODEL): value for name, value in metrics.items() if name.endswith(OF_THE_MODEL)}
    return Version(
        number=str(version.version),
        aliases=tuple(sorted(alias for alias, number in aliases.items() if str(number) == str(version.version))),
        metrics=own,
        test_score=metrics.get(TEST_SCORE, own.get("mef_ssim")),
        reference_score=metrics.get(REFERENCE_SCORE),
        verdict=version.tags.get(VERDICT_TAG),
        created=datetime.fromtimestamp(version.creation_timestamp / 1000, UTC),
        veto=read_veto(version.tags),
    )


@reaching()
def champion_version() -> str | None:
    """The version that `models:/deepfuse@champion` names; `None` if there is none yet."""
    from mlflow.exceptions import MlflowException

    try:
        return str(connect().get_model_version_by_alias(model_name(), CHAMPION).version)
    except MlflowException as error:
        if error.error_code in ABSENT:
            return None
        raise


@reaching()
def promote(version: str, *, despite_veto: bool = False) -> Move:
    """Make a version the champion, if it passes its golden check; the champion before it is remembered.

    Args:
        version: its number.
        despite_veto: also lift the veto that stands against its model, if one does.

    Raises:
        ModelError: there is no registry or no such version, it fails, or there is a veto; the alias stays where it is.
            Or another command moved the alias at the same time.
    """
    client = connect_existing(f"version {version}")
    _check_exists(client, version)
    if not despite_veto and (veto := find_veto(version)):
        raise ModelError(f"version {version} is {veto}; `deepfuse promote {version}` lifts the veto")
    _check(version)
    before = champion_version()
    lift_veto(client, version)
    if before not in (None, version):
        client.set_registered_model_tag(model_name(), PREVIOUS_TAG, before)
    _move(client, version)
    return Move(before, version)


@reaching()
def rollback(why: str = "") -> Move:
    """Make the champion before this one the champion again. It cannot be done twice: only one is remembered.

    The model that was champion is vetoed, or the next run would find it better again.

    Args:
        why: the reason, kept with the veto.

    Raises:
        ModelError: there is no registry or no previous champion, or it fails its golden check. Or another command moved
            the alias at the same time.
    """
    client = connect_existing(f"{model_name()}@{CHAMPION}")
    before = champion_version()
    previous = client.get_registered_model(model_name()).tags.get(PREVIOUS_TAG) if before else None
    if before is None or previous in (None, before):  # equal after a rollback
        raise ModelError(f"expected a previous champion to go back to, got none; the champion is {before or 'none'}")
    _check_exists(client, previous)
    _check(previous)
    set_veto(client, before, why)
    _move(client, previous)
    return Move(before, previous)


def _move(client: MlflowClient, version: str) -> None:
    """Move the alias, and read it back."""
    client.set_registered_model_alias(model_name(), CHAMPION, version)
    if (found := champion_version()) != version:
        expected = f"{model_name()}@{CHAMPION}: expected version {version} after it was set"
        raise ModelError(f"{expected}, got {found}: another command moved it")


def _check_exists(client: MlflowClient, version: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.get_model_version(model_name(), version)
    except MlflowException as error:
        if error.error_code not in ABSENT:
            raise
        raise ModelError(
            f"expected a version of '{model_name()}', got {version}; `deepfuse models` lists them"
        ) from error


def _check(version: str) -> None:
    """The golden check, which runs the version's code if it is what was published; a failure is its verdict."""
    uri = f"models:/{model_name()}/{version}"
    try:
        with scratch() as temporary:
            folder = download(uri, temporary)
            check_files(uri, folder, version_tags(version).get(FILES_TAG))
            check_golden(uri, folder)
    except ModelError as error:
        from deepfuse.evaluation.verdict import Verdict

        record_verdict(version, Verdict(False, f"golden check: {error}"))
        raise


@reaching()
def record_verdict(version: str, verdict: Verdict) -> None:
    """Keep with a version what was decided of it: a tag, a part of its card, and JSON and Markdown with its run."""
    from deepfuse.evaluation.verdict_text import as_markdown, as_record, headline  # slow, and fusing needs it not

    client = connect()
    run_id = str(client.get_model_version(model_name(), version).run_id)
    client.log_dict(run_id, as_record(verdict), "verdict.json")
    client.log_text(run_id, as_markdown(verdict), "verdict.md")
    tag_version(version, {VERDICT_TAG: headline(verdict)})
    describe(version)


@reaching()
def log_scores(version: str, scores: Mapping[str, float]) -> None:
    """Keep scores with the run of a version, in the place of earlier ones of their names, which stay its history."""
    client = connect()
    run_id = str(client.get_model_version(model_name(), version).run_id)
    for name, value in scores.items():
        client.log_metric(run_id, name, value)


@reaching()
def tag_version(version: str, tags: Mapping[str, str]) -> None:
    """Set tags of a version."""
    client = connect()
    for name, value in tags.items():
        client.set_model_version_tag(model_name(), version, name, value)


@reaching()
def existing_tags(version: str) -> dict[str, str]:
    """The tags of a version that somebody named.

    Raises:
        ModelError: there is no registry or no such version.
    """
    _check_exists(connect_existing(f"version {version}"), version)
    return version_tags(version)


@reaching()
def version_tags(version: str) -> dict[str, str]:
    """The tags of a version."""
    return dict(connect().get_model_version(model_name(), version).tags)
