"""Small files that lie with the run of a version: what was measured when it was made, and later of it."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from deepfuse.registry.connection import connect, reaching
from deepfuse.registry.loading import scratch
from deepfuse.registry.settings import model_name


@reaching()
def run_file(version: str, path: str) -> str | None:
    """The text of a file that was logged with the run of a version, such as "metrics/arrived.csv".

    `None` where its run has no such file.

    Raises:
        Unreachable: MLflow cannot be reached.
    """
    client = connect()
    run_id = str(client.get_model_version(model_name(), version).run_id)
    folder = PurePosixPath(path).parent.as_posix()
    if path not in {file.path for file in client.list_artifacts(run_id, folder)}:
        return None
    with scratch() as temporary:
        return Path(client.download_artifacts(run_id, path, temporary)).read_text(encoding="utf-8")


@reaching()
def log_run_file(version: str, file: Path, folder: str) -> None:
    """Put a file into a folder of the run of a version, in the place of one of its name.

    Raises:
        Unreachable: MLflow cannot be reached.
    """
    client = connect()
    client.log_artifact(str(client.get_model_version(model_name(), version).run_id), str(file), folder)
