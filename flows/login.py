"""The user and the password of this folder's servers: made once, kept where nobody else reads it, handed to clients."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from deepfuse.errors import DeepfuseError

PRIVATE = Path(".deepfuse")
LOGIN = PRIVATE / "services/login"
USER = "deepfuse"
PREFECT, MLFLOW_USER, MLFLOW_PASSWORD = (
    "PREFECT_API_AUTH_STRING",
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
)
ALARM = "DEEPFUSE_ALARM"  # the address of a webhook is a secret too
PREFECT_SERVER = "PREFECT_SERVER_API_AUTH_STRING"
# Addresses of databases have passwords in them.
DATABASES = (
    "PREFECT_SERVER_DATABASE_CONNECTION_URL",
    "PREFECT_API_DATABASE_CONNECTION_URL",
    "MLFLOW_BACKEND_STORE_URI",
)
SECRETS = (PREFECT, PREFECT_SERVER, "PREFECT_API_KEY", MLFLOW_PASSWORD, "MLFLOW_TRACKING_TOKEN", ALARM, *DATABASES)
BUCKET = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")  # for DVC's remote, not for its stages


def make_private() -> None:
    """Let nobody else into the project's folder of its own: it also has DVC's state and checkpoints, both pickled."""
    PRIVATE.mkdir(exist_ok=True)
    PRIVATE.chmod(stat.S_IRWXU)


def read_login() -> str:
    """`user:password` of the servers of this folder, made at the first call.

    Raises:
        DeepfuseError: the file is a link, somebody else's, or others may read it.
    """
    make_private()
    LOGIN.parent.mkdir(exist_ok=True)
    if not os.path.lexists(LOGIN):
        _write(f"{USER}:{secrets.token_urlsafe(32)}\n")
    status = LOGIN.lstat()
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        got = f"{stat.filemode(status.st_mode)} of user {status.st_uid}"
        raise DeepfuseError(f"{LOGIN}: expected a file of yours that nobody else reads, got {got}: delete it")
    return LOGIN.read_text(encoding="utf-8").strip()


def for_server() -> dict[str, str]:
    """The environment that has a Prefect server ask for the password."""
    return {PREFECT_SERVER: read_login()}


def for_prefect() -> dict[str, str]:
    """The environment of a client of this folder's Prefect server."""
    return {PREFECT: read_login()}


def for_mlflow() -> dict[str, str]:
    """The environment of a client of this folder's MLflow server."""
    user, _, password = read_login().partition(":")
    return {MLFLOW_USER: user, MLFLOW_PASSWORD: password}


def _write(text: str) -> None:
    """Write the file whole, once, though two write at the same time: the first one's stays."""
    temporary = LOGIN.with_name(f".{LOGIN.name}_{secrets.token_hex(8)}")  # threads write at the same time, too
    with os.fdopen(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    try:
        LOGIN.hardlink_to(temporary)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
