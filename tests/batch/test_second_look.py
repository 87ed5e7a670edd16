"""A set that is made in another look: its frames are laid as before, unless anything behind that changed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from support.batches import job, record

from deepfuse.alignment import stack
from deepfuse.batch import work
from deepfuse.batch.work import fuse_set
from deepfuse.fusion.controls import Controls
from deepfuse.job.options import FuseOptions
from deepfuse.photo import Encoding, write_photo

LOOK = FuseOptions(quality="best", deghost=False, controls=Controls(exposure_ev=1), encoding=Encoding(png_level=1))
SEARCHED = "RuntimeError: looked for motions"


def forbidden(*arguments: object) -> None:
    raise RuntimeError("looked for motions")


@pytest.fixture
def handheld(tmp_path: Path) -> work.Job:
    """A set whose camera moved by some pixels between its frames."""
    first = job(tmp_path)
    noise = cv2.GaussianBlur(np.random.default_rng(0).random((300, 400, 3)), (0, 0), 2)
    scene = np.rint(cv2.normalize(noise, np.empty(0), 20, 200, cv2.NORM_MINMAX)).astype(np.uint8)
    for index, path in enumerate(first.files):
        write_photo(path, scene[4 * index : 4 * index + 240, 3 * index : 3 * index + 320] // (index + 1))
    return first


def told(first: work.Job) -> dict[str, Any]:
    return record(first.out, first.scene)


def test_a_second_look_costs_no_search_for_motions_and_is_the_same_picture(
    handheld: work.Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = replace(handheld, options=LOOK)
    fuse_set(look)
    wanted, alignment = look.output.read_bytes(), told(look)["alignment"]
    assert max(one["shift_px"] for one in alignment["evidence"]) > 3
    assert fuse_set(handheld).status == "done"
    assert look.output.read_bytes() != wanted
    monkeypatch.setattr(stack, "register_chain", forbidden)
    assert fuse_set(look).status == "done"
    assert look.output.read_bytes() == wanted
    assert told(look)["alignment"] == alignment


def test_motions_are_looked_for_again_where_anything_behind_them_changed(
    handheld: work.Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    fuse_set(handheld)
    good, look = told(handheld), replace(handheld, options=LOOK)
    monkeypatch.setattr(stack, "register_chain", forbidden)
    for values in (
        {"versions": good["versions"] | {"numpy": "0"}},
        {"versions": {}},
        {"alignment": good["alignment"] | {"homographies": [[1]]}},
        {"alignment": good["alignment"] | {"dropped": [0]}},
        {"alignment": {}},
        {"inputs": [good["inputs"][1], good["inputs"][0], good["inputs"][2]]},
        {"key": good["key"] | {"options": good["key"]["options"] | {"crop": "none"}}},
    ):
        handheld.record.write_text(json.dumps(good | values))
        assert fuse_set(look).reason == SEARCHED, values
    handheld.record.write_text(json.dumps(good))
    assert fuse_set(look).status == "done", "only what was changed above made it look"
