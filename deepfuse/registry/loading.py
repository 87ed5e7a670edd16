"""A network from wherever it is: the package, a folder, or the registry."""

from __future__ import annotations

import tempfile
from pathlib import Path

from deepfuse.errors import ModelError
from deepfuse.model import SHIPPED, Network, read_model
from deepfuse.registry.connection import connect_existing, reaching


def load_model(source: str | Path | None = None) -> Network:
    """A network ready to fuse.

    Args:
        source: `None` for the shipped weights, a folder with `model.safetensors` and `config.json`, or a registered
            model such as `models:/deepfuse@champion` or `models:/deepfuse/3`.

    Raises:
        ModelError: it is not there, or is not what it says.
        Unreachable: the registry cannot be reached.
    """
    if source is None:
        return read_model(SHIPPED)
    if not str(source).startswith("models:/"):
        return read_model(Path(source))
    with tempfile.TemporaryDirectory() as temporary:
        return read_model(download(str(source), temporary) / "artifacts" / "model")


@reaching()
def download(uri: str, folder: str) -> Path:
    """The whole of a registered model: what MLflow wrote, its artifacts and the code it carries.

    Raises:
        ModelError: it is not there.
        Unreachable: the registry cannot be reached.
    """
    mlflow = connect_existing(uri)
    try:
        return Path(mlflow.artifacts.download_artifacts(uri, dst_path=folder))
    except (mlflow.exceptions.MlflowException, OSError) as error:
        raise ModelError(f"{uri}: cannot be loaded from {mlflow.get_tracking_uri()}: {error}") from error
