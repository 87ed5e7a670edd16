"""The controls of the look: what each does at its ends, what none may do."""

from __future__ import annotations

import json
from dataclasses import asdict, fields, replace

import numpy as np
import pytest
from support.pictures import random_model

from deepfuse import Controls, fuse
from deepfuse.color import Float, luma
from deepfuse.fusion import compose
from deepfuse.fusion.controls import NEUTRAL, RANGES
from deepfuse.fusion.tone import BRIGHT_FROM, DARK_BELOW, MIDDLE_GREY, exposure_gain, toned

ALL = Controls(
    strength=0.7,
    exposure_ev=0.5,
    saturation=1.3,
    highlights=0.6,
    shadows=0.4,
    black_point=0.1,
    white_point=0.85,
    contrast=0.5,
    temperature=-20,
)
LEVEL = 1 / 65535
rng = np.random.default_rng(8)


def fused_luma(frames: list[np.ndarray], controls: Controls = NEUTRAL) -> Float:
    return luma(fuse(frames, controls=controls) / np.float32(65535))


def levels(*shape: int) -> Float:
    return rng.random(shape, np.float32)


def test_the_ranges_are_those_of_the_controls() -> None:
    assert [*RANGES, "look"] == [field.name for field in fields(Controls)]
    for name, ends in RANGES.items():
        for end in ends:
            assert getattr(Controls(**{name: end}), name) == end


@pytest.mark.parametrize("name", RANGES)
def test_what_is_out_of_range_is_refused_by_name(name: str) -> None:
    least, most = RANGES[name]
    for value in (least - 0.01, most + 0.01, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=f"{name}: expected a number from {least:g} to {most:g}, got"):
            Controls(**{name: value})


@pytest.mark.parametrize("arch", ["pyramid", "paper"])
def test_neutral_controls_change_no_bit(bracket: list[np.ndarray], arch: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_model(1, arch, noise=0.05)
    without = fuse(bracket, model=model)
    monkeypatch.setattr(compose, "NEUTRAL", None)  # so that they are computed
    assert (fuse(bracket, model=model) == without).all()


def test_strength_goes_from_the_middle_exposure_to_the_network(bracket: list[np.ndarray]) -> None:
    base, network = luma(bracket[1] / np.float32(65535)), fused_luma(bracket)
    assert np.abs(base - network).max() > 0.1
    np.testing.assert_allclose(fused_luma(bracket, Controls(strength=0)), base, atol=2 * LEVEL)
    np.testing.assert_allclose(fused_luma(bracket, Controls(strength=0.5)), (base + network) / 2, atol=3 * LEVEL)


@pytest.mark.parametrize(("k", "middle"), [(2, [0, 1]), (3, [1]), (4, [1, 2]), (15, [7])])
def test_the_base_is_the_middle_exposure_or_the_mean_of_the_two(k: int, middle: list[int]) -> None:
    lumas = [levels(5, 7) for _ in range(k)]
    base = toned(levels(5, 7), lumas, Controls(strength=0))
    np.testing.assert_allclose(base, np.mean([lumas[index] for index in middle], axis=0), atol=1e-6)


def test_saturation_0_is_grey_and_more_has_more_colour_of_the_same_luma(bracket: list[np.ndarray]) -> None:
    assert np.ptp(fuse(bracket, controls=Controls(saturation=0)).astype(int), axis=2).max() <= 1
    spread = [
        np.ptp(fuse(bracket, controls=Controls(saturation=value)).astype(int), axis=2).mean()
        for value in (0.5, 1, 1.5, 2)
    ]
    assert spread == sorted(spread)
    np.testing.assert_allclose(fused_luma(bracket, Controls(saturation=2)), fused_luma(bracket), atol=2 * LEVEL)


@pytest.mark.parametrize("ev", [-2, -0.5, 1, 2])
def test_exposure_is_light_in_the_dark_and_clips_nothing(ev: float) -> None:
    y = np.linspace(0, 1, 65536, dtype=np.float32)
    brighter = y * exposure_gain(y, ev)
    assert exposure_gain(y[:1], ev)[0] ** 2.2 == pytest.approx(2**ev, rel=1e-5)
    assert (np.diff(brighter) > 0).all()
    assert brighter[[0, -1]].tolist() == pytest.approx([0, 1], abs=1e-6)
    assert ((brighter > y) if ev > 0 else (brighter < y))[1:-1].mean() > 0.999
    np.testing.assert_allclose(brighter * exposure_gain(brighter.clip(0, 1), -ev), y, atol=1e-5)


def test_exposure_brightens_pictures_and_keeps_their_levels(bracket: list[np.ndarray]) -> None:
    neutral, brighter = fuse(bracket), fuse(bracket, controls=Controls(exposure_ev=1))
    inside = (neutral > 0) & (neutral < 65535)
    assert (luma(brighter / np.float32(65535)) >= luma(neutral / np.float32(65535)) - LEVEL).all()
    assert (brighter[inside] == 65535).mean() < 0.001
    assert len(np.unique(brighter)) > 0.9 * len(np.unique(neutral))


@pytest.mark.parametrize("k", [2, 3, 8, 15])
def test_protection_never_brightens_and_touches_only_its_part(k: int) -> None:
    y, lumas = levels(200, 200), list(np.sort(levels(k, 200, 200), axis=0))
    held = toned(y, lumas, Controls(highlights=1))
    assert (held <= y + 1e-6).all()
    assert (held < y - 0.05).any()
    assert (held[y < BRIGHT_FROM] == y[y < BRIGHT_FROM]).all()
    base = np.mean([lumas[(k - 1) // 2], lumas[k // 2]], axis=0)
    dark = toned(y, lumas, Controls(shadows=1))
    assert (dark <= y).all()
    assert (dark >= np.minimum(base, y) - 1e-6).all()
    assert (dark < y - 0.2).any()
    assert (dark[base > DARK_BELOW] == y[base > DARK_BELOW]).all()


def test_highlights_that_every_darker_exposure_clips_stay_white_and_black_shadows_black() -> None:
    one, none = np.float32([[1]]), np.float32([[0]])
    assert toned(one, [one, one, one], Controls(highlights=1)) == 1
    assert toned(np.float32([[0.4]]), [none, none, one], Controls(shadows=1)) == 0


@pytest.mark.parametrize("name", ["strength", "highlights", "shadows", "black_point", "white_point", "contrast"])
@pytest.mark.parametrize("k", [2, 5])
def test_what_is_brighter_in_every_exposure_and_in_the_fused_luma_stays_brighter(name: str, k: int) -> None:
    low, frames = levels(300, 300), levels(k, 300, 300)
    high = low + (1 - low) * levels(300, 300) ** 4
    brighter = frames + (1 - frames) * levels(k, 300, 300) ** 4
    least, most = RANGES[name]
    for value in (least, (2 * least + most) / 3, most):
        controls = replace(ALL, **{name: value})
        assert (toned(high, list(brighter), controls) >= toned(low, list(frames), controls) - 1e-6).all()


@pytest.mark.parametrize("value", ["a", None, True, [0.5]])
def test_what_is_no_number_is_refused_by_name(value: object) -> None:
    with pytest.raises(TypeError, match="saturation: expected a number from 0 to 2, got "):
        Controls(saturation=value)  # type: ignore[arg-type]


def test_any_kind_of_number_can_be_recorded() -> None:
    assert json.dumps(asdict(Controls(strength=np.float32(0.5), shadows=1))) == json.dumps(
        asdict(Controls(strength=0.5, shadows=1.0))
    )


CURVES = [
    *(Controls(black_point=value) for value in (1e-9, 0.02, 0.3)),
    *(Controls(white_point=value) for value in (0.7, 0.98, 1 - 1e-9)),
    *(Controls(contrast=value) for value in (-1, -0.4, 0.4, 1)),
    Controls(black_point=0.3, white_point=0.7, contrast=1),
]


@pytest.mark.parametrize("controls", CURVES, ids=str)
def test_points_and_contrast_keep_black_white_and_every_order(controls: Controls) -> None:
    y = np.linspace(0, 1, 65536, dtype=np.float32)
    curve = toned(y, [y, y], controls)
    assert curve[[0, -1]].tolist() == pytest.approx([0, 1], abs=1e-6)
    assert np.diff(curve).min() > -2e-7, "it never falls, but for the last bit"
    assert curve.min() >= 0
    assert curve.max() <= 1


@pytest.mark.parametrize("point", [0.02, 0.1, 0.3])
def test_a_point_is_that_of_a_levels_tool_with_a_toe_that_clips_nothing(point: float) -> None:
    y = np.linspace(0, 1, 1001)
    levels_tool = ((y - point) / (1 - point)).clip(0)
    by_hand = y**2 / (y + point * (1 - y))
    low = toned(np.float32(y), [np.float32(y)] * 2, Controls(black_point=point))
    high = toned(np.float32(y), [np.float32(y)] * 2, Controls(white_point=1 - point))
    np.testing.assert_allclose(low, by_hand, atol=1e-6)
    np.testing.assert_allclose(1 - high[::-1], by_hand, atol=1e-6)
    assert (np.diff(low) > 0).all(), "below the point too"
    far = y > 5 * point
    assert (low <= y + 1e-6).all()
    assert np.abs(low - levels_tool)[far].max(initial=0) < 0.03
    assert low[y == point] == pytest.approx(point / (2 - point), abs=1e-6)


def test_contrast_steepens_middle_grey_and_keeps_it() -> None:
    near = MIDDLE_GREY + np.float32([-0.01, 0, 0.01])
    for contrast in (-1, -0.5, 0.5, 1):
        curve = toned(near, [near, near], Controls(contrast=contrast))
        assert curve[1] == pytest.approx(MIDDLE_GREY, abs=1e-6)
        assert (curve[2] - curve[0]) / 0.02 == pytest.approx(1 + contrast * 0.46, abs=2e-3)
    assert pytest.approx(1.055 * 0.18 ** (1 / 2.4) - 0.055, abs=2e-3) == MIDDLE_GREY


@pytest.mark.parametrize(("name", "value"), [("contrast", 0.5), ("black_point", 0.1), ("white_point", 0.9)])
def test_points_and_contrast_change_the_luma_of_pictures(bracket: list[np.ndarray], name: str, value: float) -> None:
    y = fused_luma(bracket)
    expected = toned(y, [y, y], Controls(**{name: value}))
    np.testing.assert_allclose(fused_luma(bracket, Controls(**{name: value})), expected, atol=3 * LEVEL)
    assert np.abs(expected - y).max() > 0.01


def test_temperature_keeps_luma_and_fits(bracket: list[np.ndarray]) -> None:
    for mired in (-90, 40):
        np.testing.assert_allclose(
            fused_luma(bracket, Controls(temperature=mired)), fused_luma(bracket), atol=2 * LEVEL
        )
    warm, cool = (fuse(bracket, controls=Controls(temperature=mired)).astype(int) for mired in (40, -40))
    fits = (warm.max(axis=2) < 65535) & (cool.max(axis=2) < 65535)
    assert fits.mean() > 0.5
    assert (warm - cool)[fits][:, 0].min() >= -1
    assert (cool - warm)[fits][:, 2].min() >= -1
    assert (warm - cool)[fits][:, 0].mean() > 500
