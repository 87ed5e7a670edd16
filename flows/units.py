"""The services as units of systemd, of one user: started with the machine, and again when they fail."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from deepfuse.errors import DeepfuseError
from deepfuse.files import write_text
from flows.identity import NAME, identity
from flows.services import HOME, SERVICES, is_elsewhere

_BUCKET = ("MLFLOW_DEFAULT_ARTIFACT_ROOT", "MLFLOW_S3_ENDPOINT_URL", "AWS_PROFILE", "AWS_DEFAULT_REGION")
_OURS = (NAME, "DEEPFUSE_JOBS", "DEEPFUSE_CLUSTER")
SETTINGS = ("PREFECT_API_URL", "MLFLOW_TRACKING_URI", "PREFECT_HOME", *_OURS, "PATH", *_BUCKET)
SECRETS = Path(".deepfuse/services/environment")
_AFTER = {"prefect": "", "mlflow": "", "worker": "After={name}-prefect.service {name}-mlflow.service\n"}


def units(ports: Mapping[str, int]) -> dict[str, str]:
    """The files of the units by their names; of the servers, those that run elsewhere have none.

    Args:
        ports: of the servers of this folder.

    Raises:
        DeepfuseError: a path or a setting has a line break, for which systemd has no words.
    """
    name = identity().name
    wanted = [service for service in SERVICES if service == "worker" or not is_elsewhere(service)]
    return {f"{name}-{service}.service": _unit(name, service, ports.get(service)) for service in wanted}


def install(files: Mapping[str, str]) -> list[Path]:
    """Write units to where systemd looks for those of the user; the paths written."""
    base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    folder = base / "systemd/user"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        write_text(folder / name, text)
    return [folder / name for name in files]


def how_to_start(files: Mapping[str, str]) -> str:
    """The commands that start units, now and with the machine."""
    return (
        f"systemctl --user daemon-reload\nsystemctl --user enable --now {' '.join(files)}\n"
        "loginctl enable-linger    # also while you are not signed in"
    )


def _unit(name: str, service: str, port: int | None) -> str:
    own_home = str(HOME.absolute())  # which every command finds by itself
    arguments = [sys.executable, "-m", "flows", "serve", service, *(["--port", str(port)] if port else [])]
    settings = [f"{key}={os.environ[key]}" for key in SETTINGS if os.environ.get(key) not in (None, "", own_home)]
    environment = "".join(f"Environment={_quoted(each)}\n" for each in settings)
    return (
        f"[Unit]\nDescription=deepfuse {service} of {_plain(str(Path.cwd()))}\n{_AFTER[service].format(name=name)}"
        "StartLimitIntervalSec=0\n\n"
        f"[Service]\nType=exec\nWorkingDirectory={_plain(str(Path.cwd()))}\n{environment}"
        f"EnvironmentFile=-{_plain(str(Path.cwd() / SECRETS))}\n"
        f"ExecStart={' '.join(_quoted(each).replace('$', '$$') for each in arguments)}\n"
        "Restart=on-failure\nRestartSec=10\n\n"
        "[Install]\nWantedBy=default.target\n"
    )


def _quoted(text: str) -> str:
    """One word, whatever is in it."""
    escaped = _plain(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _plain(text: str) -> str:
    """What stands to the end of its line."""
    if "\n" in text or "\r" in text:
        raise DeepfuseError(f"{text!r}: expected one line for systemd, got several")
    return text.replace("%", "%%")
