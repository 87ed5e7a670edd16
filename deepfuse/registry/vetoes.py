"""A person's no to a model: who, when and why, kept with its version; the gate obeys until a person lifts it."""

from __future__ import annotations

import getpass
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from deepfuse.registry.connection import KEY_TAG, connect, reaching
from deepfuse.registry.settings import model_name

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

VETO_TAG = "deepfuse.veto"
NO_REASON = "no reason given"


@dataclass(frozen=True)
class Veto:
    """Who said no, when (ISO 8601, UTC), and why."""

    who: str
    when: str
    why: str

    def __str__(self) -> str:
        """In words."""
        return f"vetoed by {self.who} on {self.when[:10]}: {self.why}"


@reaching()
def find_veto(version: str) -> Veto | None:
    """The veto on the model of a version, on whichever version of the same model it stands; `None` if there is none."""
    found = (read_veto(each.tags) for each in _same_model(connect(), version))
    return next(filter(None, found), None)


def read_veto(tags: Mapping[str, str]) -> Veto | None:
    """The veto in the tags of a version. One that somebody wrote by hand in another form is a veto all the same."""
    text = tags.get(VETO_TAG)
    if text is None:
        return None
    try:
        return Veto(**{name: str(value) for name, value in json.loads(text).items()})
    except (ValueError, TypeError, AttributeError):
        return Veto("somebody", "an unknown day", text)


def set_veto(client: MlflowClient, version: str, why: str) -> None:
    """Say no to the model of a version."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    veto = Veto(f"{_user()}@{platform.node()}", now, " ".join(why.split()) or NO_REASON)
    client.set_model_version_tag(model_name(), version, VETO_TAG, json.dumps(asdict(veto), ensure_ascii=False))


def lift_veto(client: MlflowClient, version: str) -> None:
    """Take back what was said against the model of a version."""
    for each in _same_model(client, version):
        if VETO_TAG in each.tags:
            client.delete_model_version_tag(model_name(), str(each.version), VETO_TAG)


def _same_model(client: MlflowClient, version: str) -> list[ModelVersion]:
    """The versions with the same files of stage `train`, this one first: a model can be registered anew."""
    own = client.get_model_version(model_name(), version)
    key = own.tags.get(KEY_TAG)
    found = client.search_model_versions(f"name='{model_name()}' and tags.`{KEY_TAG}`='{key}'") if key else []
    return [own, *(other for other in found if str(other.version) != version)]


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # an account without a name, as in containers
        return f"user {os.getuid()}"
