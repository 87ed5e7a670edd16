"""The patches that a model was trained on, as datasets of MLflow: by their content, with what they were made from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

PATCHES = Path("data/patches")
CONTEXT = {"train": "training", "val": "validation"}
DIGEST = 36  # characters that MLflow keeps


def read_json(path: Path) -> dict[str, Any]:
    """A record of a stage; empty where it was not written."""
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def dataset_inputs(provenance: Mapping[str, Any], data: Mapping[str, Any]) -> list[DatasetInput]:
    """One a split of patches.

    Args:
        provenance: what stage `train` wrote beside the weights; `patches` are their SHA-256 by name.
        data: where the brackets came from, kept with each.
    """
    from mlflow.entities import Dataset, DatasetInput, InputTag

    return [
        DatasetInput(
            Dataset(
                name=str(PATCHES / name),
                digest=digest[:DIGEST],
                source_type="dvc",
                source=json.dumps({"path": str(PATCHES / name), **data}),
                profile=json.dumps({"sha256": digest}),
            ),
            [InputTag("mlflow.data.context", CONTEXT.get(name, name))],
        )
        for name, digest in sorted(provenance.get("patches", {}).items())
    ]
