"""What of old versions may go: the pictures of their reports, which are nearly all that they take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deepfuse.registry.aliases import PREVIOUS_TAG
from deepfuse.registry.connection import connect_existing, reaching
from deepfuse.registry.settings import model_name

if TYPE_CHECKING:
    from mlflow import MlflowClient

REPORT = "report"  # where `publish` logs it with a run


@dataclass(frozen=True)
class OldReport:
    """The report of a version that is no longer looked at."""

    version: str
    run_id: str
    size_bytes: int


@reaching()
def old_reports(keep: int) -> tuple[OldReport, ...]:
    """The reports of all versions but the newest `keep`, those with an alias, and the champion before this one.

    Raises:
        ModelError: there is no registry.
    """
    client = connect_existing("the registered models")
    found = sorted(client.search_model_versions(f"name='{model_name()}'"), key=lambda version: -int(version.version))
    if not found:
        return ()
    model = client.get_registered_model(model_name())
    spared = {str(number) for number in (*model.aliases.values(), model.tags.get(PREVIOUS_TAG))}
    spared |= {str(version.version) for version in found[:keep]}
    kept_runs = {version.run_id for version in found if str(version.version) in spared}
    old = [version for version in found if version.run_id not in kept_runs]
    runs = ((str(version.version), str(version.run_id)) for version in reversed(old))
    reports = (OldReport(version, run_id, _size(client, run_id, REPORT)) for version, run_id in runs)
    return tuple(report for report in reports if report.size_bytes)


@reaching()
def forget_report(report: OldReport) -> None:
    """Remove the files of a report. The model itself stays, with its measures and its verdict, and can be loaded."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    client = connect_existing(f"version {report.version}")
    address = client.get_run(report.run_id).info.artifact_uri
    repository: Any = get_artifact_repository(address, tracking_uri=client.tracking_uri)
    repository.delete_artifacts(REPORT)


def _size(client: MlflowClient, run_id: str, path: str) -> int:
    files: list[Any] = client.list_artifacts(run_id, path)
    return sum(_size(client, run_id, file.path) if file.is_dir else file.file_size or 0 for file in files)
