"""MLflow's server on the registry of this folder, as an application for whoever lets requests in.

The registry is `mlflow.db` and `mlruns` here, or what the variables of `mlflow server` name, Postgres and a bucket say.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any

from deepfuse.registry.moving import FILES, follow
from deepfuse.registry.settings import DATABASE, DEFAULT_DATABASE, FILES_ROOT, require_driver


def server_app() -> Any:
    """The ASGI application of MLflow's server, for the one process that serves it.

    `mlflow server` sets the same environment and starts the same application, but has no place for what must stand
    before it. The last two say to MLflow that it is a server: it then runs no code that a scorer in its database holds.

    Raises:
        NotInstalledError: the database or the bucket needs a package.
    """
    from mlflow.environment_variables import _MLFLOW_IN_JOB_EXECUTOR, _MLFLOW_SERVER_BOOT_ID
    from mlflow.server.constants import ARTIFACT_ROOT_ENV_VAR, BACKEND_STORE_URI_ENV_VAR
    from mlflow.server.handlers import initialize_backend_stores

    database = os.environ.get(DATABASE) or f"sqlite:///{DEFAULT_DATABASE.absolute()}"
    files = os.environ.get(FILES_ROOT) or str(Path(FILES).absolute())
    for address in (database, files):
        require_driver(address)
    follow(DEFAULT_DATABASE)
    os.environ |= {
        BACKEND_STORE_URI_ENV_VAR: database,
        ARTIFACT_ROOT_ENV_VAR: files,
        _MLFLOW_SERVER_BOOT_ID.name: uuid.uuid4().hex,
        _MLFLOW_IN_JOB_EXECUTOR.name: "false",
    }
    initialize_backend_stores(database, database, files)
    from mlflow.server.fastapi_app import app

    return app
