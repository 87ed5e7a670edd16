"""A client of MLflow, which is imported when it is needed, and the one error for a server that cannot be reached."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from deepfuse.errors import NotInstalledError, Unreachable

if TYPE_CHECKING:
    from mlflow import MlflowClient

NAME = EXPERIMENT = "deepfuse"
CHAMPION, CHALLENGER = "champion", "challenger"
KEY_TAG, VERDICT_TAG = "deepfuse.model_key", "deepfuse.verdict"
DEFAULT_DATABASE = Path("mlflow.db")
TRANSIENT = ("TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED")
ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")  # no model or version, or no such alias


def tracking_uri() -> str:
    """`MLFLOW_TRACKING_URI`, or `mlflow.db` in the working directory."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{DEFAULT_DATABASE.absolute()}"


def exists() -> bool:
    """Whether a registry is named by `MLFLOW_TRACKING_URI`, or lies in the working directory."""
    return bool(os.environ.get("MLFLOW_TRACKING_URI")) or DEFAULT_DATABASE.exists()


def connect() -> MlflowClient:
    """A client of MLflow, on `tracking_uri()`.

    Nothing here uses `mlflow.log_…` and the like, whose address belongs to the whole process.

    Raises:
        NotInstalledError: MLflow comes with the loop alone.
    """
    _require_mlflow()
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=tracking_uri())


def connect_existing(wanted: str) -> MlflowClient:
    """The client of a reader, who must not leave an empty database behind.

    Args:
        wanted: what the error names.

    Raises:
        Unreachable: there is no database, and no `MLFLOW_TRACKING_URI`.
        NotInstalledError: MLflow comes with the loop alone.
    """
    _require_mlflow()
    if not exists():
        expected = f"expected a registry in {DEFAULT_DATABASE.absolute()}, or MLFLOW_TRACKING_URI to be set"
        raise Unreachable(f"{wanted}: {expected}")
    return connect()


def _require_mlflow() -> None:
    if find_spec("mlflow") is None:
        raise NotInstalledError("registered models are in mlflow, which is not installed: pip install 'deepfuse[loop]'")


@contextmanager
def reaching() -> Iterator[None]:
    """Turn what MLflow raises when the network or the database fails into `Unreachable`; let all else pass."""
    try:
        yield
    except (Unreachable, NotInstalledError):
        raise
    except Exception as error:
        if any(_is_network(cause) for cause in _chain(error)):
            raise Unreachable(f"MLflow at {tracking_uri()} cannot be reached: {_reason(error)}") from error
        raise


def in_words(error: Exception) -> str:
    """What MLflow or the system says, without the names and numbers of its kinds of errors."""
    return str(getattr(error, "message", None) or getattr(error, "strerror", None) or error)


def _reason(error: Exception) -> str:
    """The first cause that the system has words for; what requests and urllib3 say is the inside of their objects."""
    causes = [cause.strerror for cause in _chain(error) if isinstance(cause, OSError) and cause.strerror]
    return causes[-1] if causes else in_words(error)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _is_network(error: BaseException) -> bool:
    from requests.exceptions import HTTPError, RequestException

    if isinstance(error, HTTPError):  # an answer: only the server's own failures are the network's
        return error.response is not None and error.response.status_code >= 500
    status = getattr(error, "get_http_status_code", lambda: 0)()
    transient = getattr(error, "error_code", None) in TRANSIENT or status in (502, 503, 504)
    return transient or isinstance(error, ConnectionError | TimeoutError | RequestException)
