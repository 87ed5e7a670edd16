"""What is known of the brackets that a model was trained on."""

from __future__ import annotations

from collections import Counter
from typing import Any

from deepfuse.manifest import read_manifest
from deepfuse.params import read_params, read_yaml
from deepfuse.split import split_of
from flows.pipeline import ALIGNED, LOCK


def about_data() -> dict[str, Any]:
    """Where the brackets are from, by content too, and how many scenes each split has, and how many were refused."""
    params = read_params()
    scenes = read_manifest(ALIGNED)
    counts = Counter(split_of(scene.scene, **params.split.model_dump()) for scene in scenes if scene.ok)
    stages = read_yaml(LOCK)["stages"]
    contents = {entry["path"]: entry["md5"] for entry in (*stages["ingest"]["deps"], *stages["patch"]["outs"])}
    return {
        "brackets": params.ingest.source,
        "brackets_md5": contents.get(params.ingest.source),
        "patches_md5": contents.get("data/patches"),
        **{f"scenes_{split}": counts[split] for split in ("train", "val", "test")},
        "scenes_refused": sum(not scene.ok for scene in scenes),
    }
