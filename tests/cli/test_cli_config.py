"""Defaults of a user's own: what they say, what goes before them, and what is refused by its name."""

from __future__ import annotations

import argparse
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from deepfuse.cli import main
from deepfuse.cli.commands import parser_of_all
from deepfuse.cli.config import EXAMPLE
from deepfuse.cli.configured import VARIABLE, config_file, read_config, with_config
from deepfuse.errors import ConfigError


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that is read."""
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    found = tmp_path / "deepfuse/config.toml"
    found.parent.mkdir()
    assert config_file() == found
    return found


def options(*arguments: str) -> Any:
    parser = parser_of_all()
    begun = argparse.Namespace(beside=None)
    return with_config(parser, parser.parse_args(arguments, begun), arguments)


def test_no_file_is_no_default(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert options("batch", "x", "-o", "y").format == "tif"
    assert main(["config"]) == 0
    assert f"{file} is not there" in capsys.readouterr().out


def test_the_command_line_goes_before_its_table_and_that_before_the_top(file: Path) -> None:
    file.write_text('look = "punchy"\njpeg-quality = 80\nno-align = true\n[batch]\nformat = "jpg"\njpeg-quality = 70\n')
    batch = options("batch", "x", "-o", "y")
    assert (batch.look, batch.format, batch.jpeg_quality, batch.no_align) == ("punchy", "jpg", 70, True)
    assert options("batch", "x", "-o", "y", "--jpeg-quality", "60").jpeg_quality == 60
    fuse = options("fuse", "a", "b")
    assert (fuse.look, fuse.jpeg_quality) == ("punchy", 80)
    assert options("watch", "x", "-o", "y").format == "tif"
    assert options("web").format is None


def test_values_are_what_the_option_makes_of_them(file: Path) -> None:
    file.write_text('white-balance = 5200\nshadows = 0.5\nprefer = "JPEG"\n[watch]\nsettle = 10\n')
    watch = options("watch", "x", "-o", "y")
    assert (
        watch.white_balance == options("watch", "x", "-o", "y", "--no-config", "--white-balance", "5200").white_balance
    )
    assert (watch.shadows, watch.prefer, watch.settle) == (0.5, "jpeg", 10.0)


def test_what_the_command_line_excludes_does_not_hold(file: Path) -> None:
    file.write_text('no-deghost = true\nlook = "punchy"\ncontrast = 0.3\n')
    fuse = options("fuse", "a", "b", "--save-masks")
    assert (fuse.no_deghost, fuse.save_masks) == (False, True)
    assert options("fuse", "a", "b").contrast == 0.3
    night = options("fuse", "a", "b", "--look", "night", "--shadows", "0.1")
    assert (night.look, night.contrast, night.shadows) == ("night", None, 0.1)


def test_a_flag_may_be_the_contrary_of_another_one(file: Path) -> None:
    file.write_text("tree = true\nscore = true\n[watch]\nflat = true\nscore = false\n[batch]\ntree = false\n")
    with pytest.raises(ConfigError, match=re.escape("[watch] expected one of tree and flat, got both")):
        options("watch", "x", "-o", "y")
    file.write_text("tree = true\nscore = true\n[watch]\ntree = false\nflat = true\nscore = false\n")
    assert (options("batch", "x", "-o", "y").tree, options("batch", "x", "-o", "y", "--flat").tree) == (True, False)
    watch = options("watch", "x", "-o", "y")
    assert (watch.tree, watch.score) == (False, False)
    assert options("watch", "x", "-o", "y", "--tree").tree


def test_it_can_be_left_out_or_be_another_one(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text('look = "punchy"\n')
    assert options("fuse", "a", "b", "--no-config").look is None
    monkeypatch.setenv(VARIABLE, "")
    assert options("fuse", "a", "b").look is None
    other = tmp_path / "other.toml"
    other.write_text('look = "night"\n')
    monkeypatch.setenv(VARIABLE, str(other))
    assert options("fuse", "a", "b").look == "night"


def test_a_file_that_the_environment_names_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "no.toml"))
    assert main(["brackets", str(tmp_path)]) == 4
    assert f"{tmp_path}/no.toml: expected a file, as {VARIABLE} says, got nothing" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour = 1", "colour: expected one of "),
        ('format = "gif"', "format: expected one of tif, png, jpg, got gif"),
        ('[batch]\nlok = "night"', "[batch] lok: expected one of "),
        ("[stages]\nlook = 1", "[stages]: expected one of [fuse], [batch]"),
        ("[fuse]\nforce = true", "[fuse] force: is said on the command line alone"),
        ('output = "x"', "output: is said on the command line alone"),
        ('look = "purple"', "config.toml: look: expected one of natural, "),
        ('[fuse]\nlook = "purple"', "config.toml: [fuse] look: expected one of natural, "),
        ("[web]\njpeg-quality = 101", "[web] jpeg-quality: expected a whole number from 1 to 100, got 101"),
        ("jpeg-quality = true", "jpeg-quality: expected a text or number, got True"),
        ('no-align = "yes"', "no-align: expected true or false, got yes"),
        ("look = [1]", "look: expected a text or a number, got [1]"),
        ("no-deghost = true\nsave-masks = true", "expected one of no-deghost and save-masks, got both"),
        ("look = ", "expected options in TOML: "),
    ],
)
def test_what_no_option_takes_is_refused_with_the_file_and_the_key(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    file.write_text(text)
    assert main(["brackets", str(tmp_path)]) == 4
    error = capsys.readouterr().err
    assert f"deepfuse: {file}: " in error
    assert said in error


def test_the_loop_reads_no_file(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("colour = 1")
    assert options("models").command == "models"
    assert not hasattr(options("models"), "no_config")


def test_what_holds_is_printed(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text('[batch]\nformat = "jpg"\n')
    assert main(["config"]) == 0
    assert capsys.readouterr().out == f'{file}\n\n[batch]\nformat = "jpg"\n'
    assert main(["config", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["options"] == {"batch": {"format": "jpg"}}


def test_the_example_holds_in_every_line(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "--example"]) == 0
    assert capsys.readouterr().out == EXAMPLE
    file.write_text(EXAMPLE)
    assert not any(read_config(file, parser_of_all()).values())
    file.write_text(re.sub(r"^# (?=[\w-]+ = )", "", EXAMPLE, flags=re.MULTILINE))
    assert len(tomllib.loads(file.read_text())) == 11
    assert all(read_config(file, parser_of_all())[name] for name in ("fuse", "batch", "watch", "web", "brackets"))


def test_a_default_that_does_not_fit_is_named(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("hdr = true\n")
    assert main(["fuse", "a.jpg", "b.jpg", "-o", str(tmp_path / "c.tif")]) == 4
    assert f"{file} sets hdr, which --no-config leaves out" in capsys.readouterr().err
    assert main(["fuse", "a.jpg", "b.jpg", "-o", str(tmp_path / "c.tif"), "--no-config"]) == 4
    assert "sets hdr" not in capsys.readouterr().err
