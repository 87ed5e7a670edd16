"""Which sets of a folder a batch makes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.batches import shoot

from deepfuse.batch import picked
from deepfuse.bracket import BracketFiles
from deepfuse.cli import main
from deepfuse.errors import BracketError
from deepfuse.grouping import Group, Grouping

IDS = ("day1__barn", "day1__cave", "day2__barn", "hall [2]")


def found(*ids: str) -> Grouping:
    return Grouping(tuple(Group(BracketFiles(scene, ()), "folder", "") for scene in ids), (), ())


@pytest.mark.parametrize(
    ("wanted", "scenes"),
    [
        ([], IDS),
        (["day1__*"], IDS[:2]),
        (["*__barn", "day1__barn"], (IDS[0], IDS[2])),
        (["hall [2]"], IDS[3:]),
        (["hall ?2?"], IDS[3:]),
    ],
)
def test_sets_are_picked_by_id_or_pattern(wanted: list[str], scenes: tuple[str, ...]) -> None:
    assert tuple(group.bracket.scene for group in picked(found(*IDS), wanted).groups) == scenes


def test_what_means_no_set_is_refused_with_the_nearest_ids() -> None:
    with pytest.raises(BracketError, match=r"^day1_barn: .* 4 sets, .*nearest are day1__barn, day"):
        picked(found(*IDS), ["day1__*", "day1_barn"])
    with pytest.raises(BracketError, match="0 sets"):
        picked(found(), ["day1"])


def test_only_these_sets_are_made_and_others_are_no_failures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shoot(tmp_path / "in/barn", 1)
    shoot(tmp_path / "in/cave", 2)[1].write_bytes(b"no picture")
    batch = ["batch", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "-j", "1", "--no-align", "--json"]
    assert main([*batch, "--only", "bar*"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["done"], said["failed"], said["damaged"]) == (["barn"], [], [])
    assert main([*batch, "--only", "bern"]) == 4
    assert "the nearest are barn" in capsys.readouterr().err
