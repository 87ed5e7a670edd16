"""Looks: those that come with the package, and those that a user writes."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from deepfuse import Controls, FuseOptions, read_look
from deepfuse.errors import LookError
from deepfuse.fusion import looks
from deepfuse.fusion.controls import NEUTRAL
from deepfuse.fusion.looks import DEFAULT_LOOK, FOLDER, default_look, descriptions, look_names, named_look


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_the_looks_are_there() -> None:
    assert look_names() == ["natural", "neutral", "night", "punchy", "real-estate"]
    assert read_look("neutral") == NEUTRAL
    assert DEFAULT_LOOK in look_names()


@pytest.mark.parametrize("name", look_names())
def test_a_look_has_what_its_file_says_and_rest_elsewhere(name: str) -> None:
    values = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    description = values.pop("description")
    assert descriptions()[name] == description
    assert "\n" not in description
    assert read_look(name) == named_look(name) == Controls(**values)
    assert read_look(name).look == name
    assert name == "neutral" or read_look(name) != NEUTRAL


def test_no_two_looks_are_one_picture() -> None:
    assert len({read_look(name) for name in look_names()}) == len(look_names())


def test_a_file_is_a_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "mine.toml", 'description = "mine"\ncontrast = 0.25\ntemperature = -7\n')
    expected = Controls(contrast=0.25, temperature=-7)
    assert read_look(path) == read_look(str(path)) == expected
    assert read_look(path).look == "mine.toml"
    assert read_look(written(tmp_path / "empty.toml", "")) == NEUTRAL
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "night", "contrast = 0.5")
    written(tmp_path / "evening", "contrast = 0.5")
    assert read_look("night") == named_look("night"), "a name goes before a file"
    assert read_look("./night") == read_look("evening") == Controls(contrast=0.5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("brightness = 1", "brightness: expected one of strength, exposure_ev, saturation"),
        ('look = "punchy"', "look: expected one of strength"),
        ("[tones]\ncontrast = 1", "tones: expected one of strength"),
        ("contrast = 1.5", "contrast: expected a number from -1 to 1, got 1.5"),
        ("white_point = nan", "white_point: expected a number from 0.7 to 1, got nan"),
        ('shadows = "much"', "shadows: expected a number from 0 to 1, got 'much'"),
        ("shadows = true", "shadows: expected a number from 0 to 1, got True"),
        ("description = 3", "description: expected text, got 3"),
        ("contrast = ", "expected a look in TOML: Invalid value"),
        ("contrast = 1\ncontrast = 1", "expected a look in TOML: "),
    ],
)
def test_what_is_wrong_is_told_with_file_and_key(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(LookError) as error:
        read_look(written(tmp_path / "mine.toml", text))
    assert str(error.value).startswith(f"{tmp_path / 'mine.toml'}: {said}")


def test_what_is_no_text_or_no_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "raw.toml").write_bytes(b"contrast = 1 # \xff")
    for name, said in {
        "raw.toml": "expected a look in TOML: ",
        "gone.toml": "cannot be read: ",
        ".": "cannot be read: ",
    }.items():
        with pytest.raises(LookError, match=said) as error:
            read_look(tmp_path / name)
        assert str(error.value).startswith(str(tmp_path))
    with pytest.raises(LookError, match=r"expected one of natural, .*, a TOML file, got 'vivid'"):
        read_look("vivid")


def test_a_name_from_outside_is_no_path(tmp_path: Path) -> None:
    path = written(tmp_path / "mine.toml", "contrast = 0.5")
    for name in (str(path), "../looks/night", "night.toml", "", "NIGHT"):
        with pytest.raises(LookError, match="look: expected one of natural, neutral, night, punchy, real-estate, got "):
            named_look(name)


def test_one_constant_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert FuseOptions().controls == default_look() == read_look(DEFAULT_LOOK)
    monkeypatch.setattr(looks, "DEFAULT_LOOK", "night")
    default_look.cache_clear()
    try:
        assert FuseOptions().controls == read_look("night")
        assert FuseOptions().controls.look == "night"
    finally:
        default_look.cache_clear()


def test_single_values_over_a_look_keep_the_others() -> None:
    over = replace(read_look("punchy"), contrast=0)
    assert over == replace(named_look("punchy"), contrast=0)
    assert (over.contrast, over.saturation, over.look) == (0, read_look("punchy").saturation, "punchy")
