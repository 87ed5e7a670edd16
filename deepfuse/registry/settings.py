"""Which MLflow, and the name of the model in it: by the environment, the record of this folder, or `mlflow.db` here.

`MLFLOW_BACKEND_STORE_URI` and `MLFLOW_DEFAULT_ARTIFACT_ROOT` are for the server of this folder alone, as they are for
`mlflow server`: where they are set, the registry is what that server answers.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from deepfuse.errors import ModelError, NotInstalledError
from deepfuse.files import write_json

ADDRESS, MODEL = "MLFLOW_TRACKING_URI", "DEEPFUSE_MODEL"
DATABASE, FILES_ROOT = "MLFLOW_BACKEND_STORE_URI", "MLFLOW_DEFAULT_ARTIFACT_ROOT"
_DRIVERS = {"postgresql": ("psycopg2", "postgres"), "s3": ("boto3", "s3")}  # the package, and the extra that has it
RECORD = Path(".deepfuse/registry.json")
DEFAULT_DATABASE = Path("mlflow.db")
DEFAULT_NAME = "deepfuse"
SQLITE = "sqlite:///"


def tracking_uri() -> str:
    """`MLFLOW_TRACKING_URI`, of the environment or the record, or `mlflow.db` in the working directory.

    Raises:
        ModelError: the registry is in another database, of which this process knows no server.
    """
    found = _setting(ADDRESS)
    if not found and os.environ.get(DATABASE):
        raise ModelError(
            f"{DATABASE} is set: expected {ADDRESS} to name the server on it, got none: `python -m flows up` starts "
            'it, and eval "$(python -m flows env)" names it'
        )
    return found or f"{SQLITE}{DEFAULT_DATABASE.absolute()}"


def require_driver(address: str) -> None:
    """Ask for the package that a database or a bucket needs.

    Raises:
        NotInstalledError: it is not there.
    """
    scheme = address.partition(":")[0].partition("+")[0]
    package, extra = _DRIVERS.get(scheme, (None, None))
    if package and find_spec(package) is None:
        raise NotInstalledError(f"{scheme}: expected the package {package}, got none: pip install 'deepfuse[{extra}]'")


def is_named() -> bool:
    """Whether an MLflow is named, and `mlflow.db` here need not exist."""
    return _setting(ADDRESS) is not None


def is_there() -> bool:
    """Whether an MLflow is named, or `mlflow.db` is here."""
    return is_named() or DEFAULT_DATABASE.exists()


def model_name() -> str:
    """The name of the registered model and of the experiment: `DEEPFUSE_MODEL`, of the environment or the record.

    Raises:
        ModelError: MLflow could not find it again by it.
    """
    name = _setting(MODEL) or DEFAULT_NAME
    if not re.fullmatch(r"\w[\w .-]*", name):
        raise ModelError(f"{MODEL}: expected a name of letters, digits, spaces and ._-, got {name!r}")
    return name


def recorded() -> dict[str, str]:
    """What this folder's record says and the environment does not.

    Raises:
        ModelError: the record is damaged, and another registry would be taken for this one.
    """
    try:
        found = json.loads(RECORD.read_text(encoding="utf-8"))
        values = {name: str(found[name]) for name in (ADDRESS, MODEL) if name in found}
    except (FileNotFoundError, NotADirectoryError, PermissionError):  # of another account: it may still read mlflow.db
        return {}
    except (ValueError, TypeError) as error:
        raise ModelError(f"{RECORD}: expected a JSON object of {ADDRESS} and {MODEL}: {error}; delete it") from error
    return {name: value for name, value in values.items() if not os.environ.get(name)}


def record(values: Mapping[str, str]) -> None:
    """Keep the two for later commands in this folder, whose environment may not say them."""
    known = {name: values[name] for name in (ADDRESS, MODEL) if values.get(name)}
    if known:
        RECORD.parent.mkdir(exist_ok=True)
        write_json(RECORD, known)


def local_runs() -> dict[str, str]:
    """The runs of the registered versions in `mlflow.db` here, by version, whichever MLflow is named."""
    if not DEFAULT_DATABASE.is_file():
        return {}
    address = f"file:{quote(str(DEFAULT_DATABASE.absolute()))}?mode=ro"
    query = "SELECT version, run_id FROM model_versions WHERE name = ? AND current_stage != 'Deleted_Internal'"
    try:
        with closing(sqlite3.connect(address, uri=True)) as connection:
            return {str(version): str(run) for version, run in connection.execute(query, (model_name(),))}
    except sqlite3.Error:
        return {}  # no registry, or none of a release that is known


def _setting(name: str) -> str | None:
    return os.environ.get(name) or recorded().get(name)
