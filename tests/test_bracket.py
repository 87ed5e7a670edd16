from __future__ import annotations

import pytest

from deepfuse.bracket import Exposure, scene_id


def test_exposure_value_of_the_sunny_16_rule() -> None:
    # f/16, 1/100 s, ISO 100: log2(256 · 100) = 14.64; a stop more ISO is a stop less.
    assert Exposure(1 / 100, 100, 16).ev == pytest.approx(14.644, abs=1e-3)
    assert Exposure(1 / 100, 200, 16).ev == pytest.approx(13.644, abs=1e-3)


def test_exposure_value_needs_a_time_alone() -> None:
    assert Exposure(1.0).ev == 0
    assert Exposure(None, 100, 8).ev is None
    assert Exposure(0.0, 100, 8).ev is None


def test_a_scene_is_named_by_its_path() -> None:
    assert scene_id(("trip", "day")) == "trip__day"
    assert len({scene_id(("é" * 200, last)) for last in "ab"}) == 2
    assert len(scene_id(("é" * 200,)).encode()) <= 200
