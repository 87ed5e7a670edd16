"""Sets whose capture times interleave, as after a change of the camera's clock."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.photographs import Card

from deepfuse.grouping import find_brackets


def interleaved(folder: Path, metered: tuple[float, float], mode: int, name: str) -> list[set[str]]:
    """Two sets of two scenes, the second one shot later with its clock back in the time of the first."""
    card, truth = Card(folder), list[set[str]]()
    for which in range(2):
        files = set()
        for index, stops in enumerate((0, -2, 2)):
            card.clock_s = index + which * 0.4
            file = name.format(1 + index + 20 * which, card.clock_s) + ".jpg"
            files.add(card.shoot(stops, scene=which + 1, mode=mode, metered=metered[which], name=file))
        truth.append(files)
    return truth


NUMBERED, BY_TIME = "IMG_{:04d}", "{1:04.1f}"


@pytest.mark.parametrize(
    ("name", "mode", "metered"),
    [(NUMBERED, mode, metered) for mode in (1, 2) for metered in ((0, 0), (0, 1), (0, 4), (-1, 1))]
    + [(BY_TIME, 2, metered) for metered in ((0, 0), (0, 1), (-1, 1))],
)
def test_interleaved_sets_are_told_apart_by_what_they_show(
    tmp_path: Path, metered: tuple[float, float], mode: int, name: str
) -> None:
    truth = interleaved(tmp_path / "card", metered, mode, name)
    found = find_brackets(tmp_path)
    assert [{file.name for file in group.bracket.files} for group in found.groups] == truth
    assert not found.left_out


def test_sets_of_one_scene_are_no_strands(tmp_path: Path) -> None:
    card = Card(tmp_path / "card")
    truth = [card.bracket(0, -2, 2, mode=2), card.bracket(0, -2, mode=2), card.bracket(0, -2, 2, mode=2)]
    found = find_brackets(tmp_path)
    assert [{file.name for file in group.bracket.files} for group in found.groups] == truth
