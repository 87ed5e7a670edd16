"""Sets whose id changes as photos arrive: what becomes of their pictures, and of what was chosen for them."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.arrivals import Watched, batch, put
from support.batches import record, state

from deepfuse.batch import FILE, read_choices, write_choices
from deepfuse.batch.choices import rename_choice

LOOKS = """# by hand
[card]  # the hall
saturation = 0.0
"""


def test_a_set_that_got_another_id_keeps_its_picture_under_the_new_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = tmp_path / "card", tmp_path / "out"
    put(source, "a", 1)
    watched = Watched(source, out)
    assert watched.settled() == [("made", "card")]
    picture = state(out)["card.png"]
    put(source, "b", 2)
    assert watched.settled() == [("renamed", "a0"), ("made", "b0")]
    assert set(state(out)) == {"a0.png", "b0.png"}
    assert state(out)["a0.png"] == picture
    for kept in ("*.json", "thumbnails/*.jpg"):
        assert sorted(path.stem for path in (out / ".deepfuse").glob(kept)) == ["a0", "b0"]
    assert batch(source, out, capsys)["finished"] == ["a0", "b0"]


def test_a_batch_too_gives_it_its_name_also_one_of_a_template(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out, named = tmp_path / "card", tmp_path / "out", tmp_path / "named"
    put(source, "a", 1)
    for folder, name in ((out, "{set}"), (named, "{stem}_fused")):
        assert batch(source, folder, capsys, "--name", name)["done"] == ["card"]
    before = state(out)["card.png"], state(named)["a0_fused.png"]
    put(source, "b", 2)
    for folder, name in ((out, "{set}"), (named, "{stem}_fused")):
        said = batch(source, folder, capsys, "--name", name)
        assert (said["finished"], said["done"]) == (["a0"], ["b0"])
    assert set(state(out)) == {"a0.png", "b0.png"}
    assert set(state(named)) == {"a0_fused.png", "b0_fused.png"}
    assert (state(out)["a0.png"], state(named)["a0_fused.png"]) == before


def test_a_set_that_was_made_of_a_part_is_made_anew_and_nothing_of_the_part_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = tmp_path / "card", tmp_path / "out"
    put(source, "a", 1)
    put(source, "b", 2, (1, 2))
    watched = Watched(source, out)
    assert watched.settled() == [("made", "a0"), ("made", "b1")]
    put(source, "b", 2, (0,))
    assert watched.settled() == [("made", "b0"), ("removed", "b1")]
    assert set(state(out)) == {"a0.png", "b0.png"}
    assert sorted(path.stem for path in (out / ".deepfuse/thumbnails").iterdir()) == ["a0", "b0"]
    assert len(record(out, "b0")["inputs"]) == 3
    assert batch(source, out, capsys)["finished"] == ["a0", "b0"]


def test_a_picture_of_a_part_that_somebody_changed_stays(tmp_path: Path) -> None:
    source, out = tmp_path / "card", tmp_path / "out"
    put(source, "a", 1)
    put(source, "b", 2, (1, 2))
    watched = Watched(source, out)
    watched.settled()
    (out / "b1.png").write_bytes(b"retouched")
    put(source, "b", 2, (0,))
    assert watched.settled() == [("made", "b0"), ("removed", "b1"), ("kept", "b1")]
    assert (out / "b1.png").read_bytes() == b"retouched"


@pytest.mark.parametrize("watching", [False, True])
def test_what_is_chosen_for_a_set_goes_with_it_to_another_id(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], watching: bool
) -> None:
    source, out = tmp_path / "card", tmp_path / "out"
    put(source, "a", 1)
    out.mkdir()
    (out / FILE).write_text(LOOKS)
    watched = Watched(source, out)
    assert watched.settled() == [("made", "card")] if watching else batch(source, out, capsys)["done"] == ["card"]
    picture = state(out)["card.png"]
    put(source, "b", 2)
    if watching:
        assert watched.settled() == [("renamed", "a0"), ("made", "b0")]
    else:
        assert batch(source, out, capsys)["done"] == ["b0"]
    assert state(out)["a0.png"] == picture
    assert (out / FILE).read_text() == LOOKS.replace("[card]", '["a0"]')
    assert record(out, "a0")["controls"]["saturation"] == 0
    assert record(out, "b0")["controls"]["saturation"] != 0


@pytest.mark.parametrize("watching", [False, True])
def test_what_is_chosen_for_a_part_is_chosen_for_the_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], watching: bool
) -> None:
    source, out = tmp_path / "card", tmp_path / "out"
    put(source, "a", 1)
    put(source, "b", 2, (1, 2))
    out.mkdir()
    write_choices(out / FILE, {"b1": {"saturation": 0.0}})
    watched = Watched(source, out)
    assert watched.settled() if watching else batch(source, out, capsys)["done"]
    put(source, "b", 2, (0,))
    assert watched.settled() if watching else batch(source, out, capsys)["done"]
    assert record(out, "b0")["controls"]["saturation"] == 0


@pytest.mark.parametrize("header", ['["küche \U0001f600"]', "['küche \U0001f600']", '[ "küche \U0001f600" ]'])
def test_a_choice_is_renamed_in_place(tmp_path: Path, header: str) -> None:
    path = tmp_path / FILE
    path.write_text(f"# mine\n{header}\nlook = 'night'  # kept\n[other]\nquality = 'best'\n", encoding="utf-8")
    rename_choice(path, "küche \U0001f600", "new \U0001f600")
    assert read_choices(path) == {"new \U0001f600": {"look": "night"}, "other": {"quality": "best"}}
    assert "# mine" in path.read_text(encoding="utf-8")
    before = path.read_bytes()
    rename_choice(path, "new \U0001f600", "other")
    rename_choice(path, "nobody", "somebody")
    assert path.read_bytes() == before, "what is chosen for an id goes before"


def test_a_choice_is_renamed_however_its_id_is_spelled(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('["k\\u00fcche"]\nlook = "night"\n')
    rename_choice(tmp_path / FILE, "küche", "new")
    assert read_choices(tmp_path / FILE) == {"new": {"look": "night"}}


def test_ids_of_all_letters_are_read_again(tmp_path: Path) -> None:
    choices = {"küche \U0001f600": {"look": "night"}}
    write_choices(tmp_path / FILE, choices)
    assert read_choices(tmp_path / FILE) == choices
