"""Looks and single controls reach the picture and its record, by `fuse` and by `batch`."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from deepfuse import Controls, fuse, read_look
from deepfuse.cli import main
from deepfuse.fusion.looks import DEFAULT_LOOK, descriptions
from deepfuse.photo import read_photo


def test_the_look_is_chosen_and_recorded(files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    look = ["--strength", "0.5", "--exposure", "-1", "--saturation", "1.2", "--highlights", ".4", "--shadows", "1"]
    out = tmp_path / "out.png"
    assert main(["fuse", *files, "-o", str(out), "--no-align", "--json", *look]) == 0
    controls = json.loads(capsys.readouterr().out)["controls"]
    given = {"strength": 0.5, "exposure_ev": -1, "saturation": 1.2, "highlights": 0.4, "shadows": 1}
    assert controls == asdict(replace(read_look(DEFAULT_LOOK), **given))
    assert (read_photo(out) == fuse([read_photo(file) for file in files], controls=Controls(**controls))).all()


@pytest.mark.parametrize("look", ["night", "mine.toml"])
def test_a_look_is_taken_by_name_or_file_and_single_controls_go_before_it(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, look: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text("strength = 0.6\ntemperature = 20\nwhite_point = 0.9")
    single = ["--black-point", "0.2", "--strength", "1"]  # also a value of rest goes before the look's
    assert main(["fuse", *files, "-o", "out.png", "--no-align", "--json", *single, "--look", look]) == 0
    controls = json.loads(capsys.readouterr().out)["controls"]
    expected = replace(read_look(look), black_point=0.2, strength=1)
    assert controls == asdict(expected)
    assert controls["look"] == look
    assert (read_photo("out.png") == fuse([read_photo(file) for file in files], controls=expected)).all()


@pytest.mark.parametrize("command", ["fuse", "batch"])
def test_a_wrong_look_is_told_before_anything_is_made(
    command: str, files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine, out = tmp_path / "mine.toml", tmp_path / "out.png"
    mine.write_text("contrast = 2")
    what = [*files, "-o", str(out)] if command == "fuse" else [str(tmp_path), "-o", str(out)]
    for look, said in {str(mine): f"{mine}: contrast: expected a number", "vivid": "look: expected one of "}.items():
        assert main([command, *what, "--look", look]) == 4
        assert capsys.readouterr().err.startswith(f"deepfuse: {said}")
        assert not out.exists()


@pytest.mark.parametrize("command", ["fuse", "batch"])
def test_help_has_a_line_for_each_look(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    with pytest.raises(SystemExit):
        main([command, "--help"])
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert {f"{name}: {description}" for name, description in descriptions().items()} <= set(lines)


@pytest.mark.parametrize("command", ["fuse", "batch"])
@pytest.mark.parametrize(
    ("option", "expected"),
    [("strength", "0 to 1"), ("exposure", "-2 to 2"), ("shadows", "0 to 1"), ("white-point", "0.7 to 1")],
)
def test_a_look_out_of_range_is_wrong_usage(
    command: str, option: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for value in ("2.5", "nan", "much"):
        with pytest.raises(SystemExit) as stop:
            main([command, "in", "-o", "out.png", f"--{option}", value])
        assert stop.value.code == 2
        assert f"argument --{option}: expected a number from {expected}, got {value}" in capsys.readouterr().err
