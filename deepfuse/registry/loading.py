"""A network from wherever it is: the package, a folder, or the registry."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deepfuse.bracket import printable
from deepfuse.errors import ModelError
from deepfuse.model import SHIPPED, WEIGHTS_FILE, Network, read_model
from deepfuse.registry.artifact import FILES_TAG, check_files
from deepfuse.registry.connection import connect_existing, in_words, reaching, without_login

if TYPE_CHECKING:
    from mlflow import MlflowClient


def load_model(source: str | Path | None = None) -> Network:
    """A network ready to fuse.

    Args:
        source: as `model_folder` takes it.

    Raises:
        ModelError: it is not there, or is not what it says.
        Unreachable: the registry cannot be reached.

    >>> from deepfuse import load_model
    >>> sum(weight.numel() for weight in load_model().parameters())
    66844
    """
    with model_folder(source) as found:
        return read_model(found.folder)


@dataclass(frozen=True)
class Found:
    """The folder of a model's files, and its name: "shipped", a path, or a registered version as `models:/NAME/3`."""

    folder: Path
    name: str


@contextmanager
def model_folder(source: str | Path | None = None) -> Iterator[Found]:
    """Where the files of a model lie, while the block lasts.

    Args:
        source: `None` for the shipped weights, a folder with `model.safetensors` and `config.json`, that
            `model.safetensors` itself, or a registered model such as `models:/deepfuse@champion` or
            `models:/deepfuse/3`, which is downloaded.

    Raises:
        ModelError: the registered model cannot be had, or a file is no model's.
        Unreachable: the registry cannot be reached.
    """
    if str(source).startswith("models:/"):
        version = as_version(str(source))
        with scratch() as temporary:
            yield Found(download(version, temporary) / "artifacts" / "model", version)
        return
    path = SHIPPED if source is None else Path(source)
    if path.is_file() and path.name != WEIGHTS_FILE:
        raise ModelError(f"{path}: expected a model folder or its {WEIGHTS_FILE}, got another file")
    folder = path.parent if path.is_file() else path
    yield Found(folder, "shipped" if source is None else printable(str(path)))


def scratch() -> tempfile.TemporaryDirectory[str]:
    """A temporary folder to load into: where MLflow fails with one file, its threads may still write others there."""
    return tempfile.TemporaryDirectory(ignore_cleanup_errors=True)


@reaching()
def as_version(uri: str) -> str:
    """The URI of the version that a `models:/NAME@ALIAS` means now; any other URI as it is.

    Raises:
        ModelError: there is no such alias.
        Unreachable: the registry cannot be reached.
    """
    name, _, alias = uri.removeprefix("models:/").partition("@")
    if not alias:
        return uri
    client = connect_existing(uri)
    from mlflow.exceptions import MlflowException

    try:
        return f"models:/{name}/{client.get_model_version_by_alias(name, alias).version}"
    except MlflowException as error:
        raise ModelError(
            f"{uri}: cannot be found in {without_login(client.tracking_uri)}: {in_words(error)}"
        ) from error


@reaching()
def download(uri: str, folder: str) -> Path:
    """The whole of a registered model: what MLflow wrote, its artifacts and the code it carries.

    A version that has the hash of its files is compared with it; one that has not is data, no code to run.

    Raises:
        ModelError: it is not there, or not what was published.
        Unreachable: the registry cannot be reached.
    """
    client = connect_existing(uri)
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    try:
        address, published = _address(client, uri)
        found = Path(download_artifacts(address, dst_path=folder, tracking_uri=client.tracking_uri))
    except (MlflowException, OSError) as error:
        raise ModelError(
            f"{uri}: cannot be loaded from {without_login(client.tracking_uri)}: {in_words(error)}"
        ) from error
    if published is not None:
        check_files(uri, found, published)
    return found


def _address(client: MlflowClient, uri: str) -> tuple[str, str | None]:
    """Where the files of a `models:/NAME/VERSION` lie, and their hash when they were published.

    MLflow itself would ask the one MLflow of the whole process.
    """
    from mlflow.store.artifact.utils.models import get_model_name_and_version

    found = get_model_name_and_version(client, uri)  # type: ignore[no-untyped-call]
    if len(found) == 1:  # models:/ID
        return str(client.get_logged_model(*found).artifact_location), None
    version = client.get_model_version(*found)
    return str(client.get_model_version_download_uri(*found)), version.tags.get(FILES_TAG)
