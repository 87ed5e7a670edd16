"""Models and where they come from: MLflow runs, versions of the registered model, and its aliases."""

from deepfuse.errors import Unreachable
from deepfuse.registry.aliases import (
    Move,
    Version,
    champion_version,
    promote,
    record_verdict,
    rollback,
    tag_version,
    version_tags,
    versions,
)
from deepfuse.registry.connection import CHALLENGER, CHAMPION, KEY_TAG, NAME, VERDICT_TAG, exists
from deepfuse.registry.loading import Found, load_model, model_folder
from deepfuse.registry.publishing import publish, published_version
from deepfuse.registry.retention import OldReport, forget_report, old_reports

__all__ = [
    "CHALLENGER",
    "CHAMPION",
    "KEY_TAG",
    "NAME",
    "VERDICT_TAG",
    "Found",
    "Move",
    "OldReport",
    "Unreachable",
    "Version",
    "champion_version",
    "exists",
    "forget_report",
    "load_model",
    "model_folder",
    "old_reports",
    "promote",
    "publish",
    "published_version",
    "record_verdict",
    "rollback",
    "tag_version",
    "version_tags",
    "versions",
]
