from __future__ import annotations

import pytest

from deepfuse.bracket import Exposure, printable, printable_lines, scene_id


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


def test_text_of_others_commands_no_terminal() -> None:
    assert printable("a\x1b]0;owned\x07.jpg") == "a␛]0;owned␇.jpg"
    assert printable("one\r\ntwo\t\x7f") == "one␍␊two␉␡"
    assert printable("\x9b31m \u202egpj.a \u2028 \ud800") == "�31m �gpj.a � �"
    assert printable("Zoë’s 写真 👩\u200d🚀.jpg") == "Zoë’s 写真 👩\u200d🚀.jpg"


def test_bytes_of_a_name_are_read_as_utf_8() -> None:
    assert printable("caf\udcc3\udca9 \udcff.jpg") == "café �.jpg"
    assert printable("\udcc2\udc9b31m") == "�31m"  # the byte form of a control character


def test_lines_of_a_text_stay() -> None:
    assert printable_lines("one\n\x1btwo\r\nthree") == "one\n␛two␍\nthree"
