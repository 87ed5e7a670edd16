"""Models and where they come from: MLflow runs, versions of the registered model, and its aliases."""

from deepfuse.errors import Unreachable
from deepfuse.registry.aliases import (
    REFERENCE_SCORE,
    TEST_SCORE,
    Move,
    Version,
    champion_version,
    log_scores,
    promote,
    record_verdict,
    rollback,
    tag_version,
    version_tags,
    versions,
)
from deepfuse.registry.card import describe
from deepfuse.registry.connection import CHALLENGER, CHAMPION, COMMIT_TAG, KEY_TAG, VERDICT_TAG, second_registry
from deepfuse.registry.live import LiveRun
from deepfuse.registry.loading import Found, load_model, model_folder
from deepfuse.registry.publishing import publish, published_version
from deepfuse.registry.reproducing import Reproduced, reproduce
from deepfuse.registry.retention import OldReport, forget_report, old_reports
from deepfuse.registry.run_files import log_run_file, run_file
from deepfuse.registry.settings import is_there, model_name, record, recorded
from deepfuse.registry.vetoes import Veto, find_veto

__all__ = [
    "CHALLENGER",
    "CHAMPION",
    "COMMIT_TAG",
    "KEY_TAG",
    "REFERENCE_SCORE",
    "TEST_SCORE",
    "VERDICT_TAG",
    "Found",
    "LiveRun",
    "Move",
    "OldReport",
    "Reproduced",
    "Unreachable",
    "Version",
    "Veto",
    "champion_version",
    "describe",
    "find_veto",
    "forget_report",
    "is_there",
    "load_model",
    "log_run_file",
    "log_scores",
    "model_folder",
    "model_name",
    "old_reports",
    "promote",
    "publish",
    "published_version",
    "record",
    "record_verdict",
    "recorded",
    "reproduce",
    "rollback",
    "run_file",
    "second_registry",
    "tag_version",
    "version_tags",
    "versions",
]
