"""One set of a batch: when it is made again, and what of it is never lost."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from support.batches import job, record, state

from deepfuse.alignment import stack
from deepfuse.batch import work
from deepfuse.batch.record import read_record
from deepfuse.batch.work import fail, fuse_set
from deepfuse.fusion.controls import RANGES, Controls
from deepfuse.job.options import FuseOptions
from deepfuse.photo import Encoding, read_photo, write_photo


def test_a_set_is_made_once_for_the_same_frames_options_model_and_version(tmp_path: Path) -> None:
    first = job(tmp_path)
    assert not first.finished
    assert fuse_set(first).status == "done"
    assert first.finished
    made = state(first.output.parent)
    os.utime(first.files[0])
    assert not first.finished, "touched: only its content can tell"
    assert fuse_set(first).status == "finished"
    assert first.finished
    assert state(first.output.parent) == made
    others = [
        replace(first, version="2"),
        replace(first, model_sha256="0"),
        replace(first, options=FuseOptions(align=False)),
        replace(first, options=FuseOptions(encoding=Encoding(png_level=1))),
        *(
            replace(first, options=FuseOptions(controls=Controls(**{name: (3 * least + most) / 4})))
            for name, (least, most) in RANGES.items()
        ),
        replace(first, files=first.files[:2]),
    ]
    assert not any(other.finished for other in others)
    write_photo(first.files[0], np.zeros((120, 160, 3), np.uint8))
    assert not first.finished


RATED = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="{}"/></rdf:RDF></x:xmpmeta>"""


def test_a_set_is_made_again_where_the_xmp_file_beside_a_frame_came_changed_or_went(tmp_path: Path) -> None:
    first = job(tmp_path)
    sidecar = first.files[1].with_suffix(".xmp")
    fuse_set(first)
    for rating in (2, 5, None):
        if rating:
            sidecar.write_text(RATED.format(rating))
        else:
            sidecar.unlink()
        assert not first.finished
        assert fuse_set(first).status == "done"
        assert (f"<xmp:Rating>{rating}<".encode() in first.output.read_bytes()) is bool(rating)
        assert first.finished
    sidecar.write_text(RATED.format(1))
    fuse_set(first)
    os.utime(sidecar)
    assert fuse_set(first).status == "finished", "touched, not changed"


def test_a_set_whose_picture_is_gone_or_half_written_is_made_again(tmp_path: Path) -> None:
    first = job(tmp_path)
    fuse_set(first)
    pixels = read_photo(first.output)
    first.output.unlink()  # as if killed between the record and the picture
    assert not first.finished
    assert fuse_set(first).status == "done"
    assert (read_photo(first.output) == pixels).all()


def test_a_set_killed_before_its_record_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = replace(job(tmp_path), options=FuseOptions(save_masks=True))
    with monkeypatch.context() as patch:
        patch.setattr(work, "write_record", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fuse_set(first)
    assert not any(path.exists() for path in first.outputs)
    assert fuse_set(first).status == "done"
    assert first.finished
    assert [read_photo(path).shape for path in first.outputs] == [(120, 160, 3)] * 4


def test_a_picture_stays_until_the_next_one_is_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = job(tmp_path)
    fuse_set(first)
    before = first.output.read_bytes()
    again = replace(first, version="2")
    for name in ("write_record", "encoded"):
        with monkeypatch.context() as patch:
            patch.setattr(work, name, interrupted)
            with pytest.raises(KeyboardInterrupt):
                fuse_set(again)
        assert first.output.read_bytes() == before
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replaced_but_no_picture)
        with pytest.raises(KeyboardInterrupt):
            fuse_set(again)
    assert first.output.read_bytes() == before
    assert fuse_set(again).status == "done", "it is known as a batch's own, though the record names the next one"


def test_formats_may_take_turns(tmp_path: Path) -> None:
    first = job(tmp_path)
    for suffix in (".png", ".jpg", ".png", ".jpg"):
        assert fuse_set(replace(first, output=first.output.with_suffix(suffix))).status == "done"


def replaced_but_no_picture(path: Path, target: Path, *, rename: Any = Path.replace) -> Path:
    if target.suffix == ".png":
        raise KeyboardInterrupt
    return Path(rename(path, target))


def interrupted(*arguments: Any) -> None:
    raise KeyboardInterrupt


def test_a_picture_that_somebody_changed_is_kept_unless_forced(tmp_path: Path) -> None:
    first = job(tmp_path)
    fuse_set(first)
    again = replace(first, version="2")
    first.output.write_bytes(b"retouched")
    before = record(first.output.parent, "barn")
    outcome = fuse_set(again)
    assert outcome.status == "kept"
    assert outcome.reason == "barn.png: changed since it was made; --force makes it anew"
    assert first.output.read_bytes() == b"retouched"
    assert record(first.output.parent, "barn") == before
    fail(again, "crashed")
    assert fuse_set(again).status == "kept", "a failure in between does not make it somebody else's"
    assert fuse_set(replace(again, force=True)).status == "done"
    assert again.finished
    assert not again.kept
    assert read_photo(first.output).shape == (120, 160, 3)


def test_a_mask_that_somebody_changed_is_kept_and_one_that_was_only_touched_is_not(tmp_path: Path) -> None:
    first = replace(job(tmp_path), options=FuseOptions(save_masks=True))
    fuse_set(first)
    os.utime(first.masks[1])
    assert not first.kept
    first.masks[1].write_bytes(b"painted")
    assert fuse_set(first).reason.startswith(f"{first.masks[1].name}: changed")
    assert first.masks[1].read_bytes() == b"painted"


def test_a_file_that_no_batch_wrote_fails_its_set(tmp_path: Path) -> None:
    first = job(tmp_path)
    first.output.write_bytes(b"theirs")
    outcome = fuse_set(first)
    assert outcome.status == "failed"
    assert "not overwritten without --force" in outcome.reason
    assert fuse_set(first).status == "failed", "also the second time"
    assert first.output.read_bytes() == b"theirs"


def test_a_link_under_the_name_of_a_picture_is_kept_unless_forced(tmp_path: Path) -> None:
    first, elsewhere = job(tmp_path), tmp_path / "elsewhere.png"
    first.output.symlink_to(elsewhere)
    assert "not overwritten without --force" in fuse_set(first).reason
    assert first.output.is_symlink()
    assert not elsewhere.exists()
    assert fuse_set(replace(first, force=True)).status == "done"
    assert first.output.is_symlink()
    assert read_photo(elsewhere).shape == (120, 160, 3)
    assert replace(first, force=True).finished


def test_a_failure_forgets_nothing_of_the_picture_before(tmp_path: Path) -> None:
    first = job(tmp_path)
    fuse_set(first)
    assert fail(first, "crashed").status == "failed"
    assert not first.finished
    assert record(first.output.parent, "barn")["reason"] == "crashed"
    assert fuse_set(first).status == "done"


GOOD = {"file": "0.png", "bytes": 1, "mtime_ns": 2, "sha256": "3"}
WHOLE = {"status": "done", "key": {}, "inputs": [GOOD], "output": GOOD, "masks": [], "earlier": []}
TAMPERED: dict[str, Any] = {
    "no JSON": "{",
    "other bytes": "\ud800",
    "deep": "[" * 10**5,
    "a list": [],
    "a number of files": WHOLE | {"inputs": 3},
    "files that are numbers": WHOLE | {"inputs": [3]},
    "files that are lists": WHOLE | {"inputs": [[]]},
    "a name that is none": WHOLE | {"earlier": [GOOD | {"file": "../0.png"}]},
    "the folder above": WHOLE | {"earlier": [GOOD | {"file": ".."}]},
    "an empty name": WHOLE | {"earlier": [GOOD | {"file": ""}]},
    "a name of zero bytes": WHOLE | {"earlier": [GOOD | {"file": "a\0b"}]},
    "a name that is a number": WHOLE | {"earlier": [GOOD | {"file": 3}]},
    "a size that is text": WHOLE | {"output": GOOD | {"bytes": "1"}},
    "a hash that is a list": WHOLE | {"masks": [GOOD | {"sha256": []}]},
    "a field too many": WHOLE | {"output": GOOD | {"more": 1}},
    "an output that is text": WHOLE | {"output": "0.png"},
    "masks that are none": WHOLE | {"masks": None},
    "a key that is text": WHOLE | {"key": "key"},
}


@pytest.mark.parametrize("name", TAMPERED)
def test_of_a_tampered_record_nothing_is_known(tmp_path: Path, name: str) -> None:
    value = TAMPERED[name]
    text = value if isinstance(value, str) else json.dumps(value)
    (tmp_path / "barn.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    assert read_record(tmp_path / "barn.json") is None
    (tmp_path / "barn.json").write_text(json.dumps(WHOLE))
    assert read_record(tmp_path / "barn.json") is not None


def test_a_record_that_is_huge_or_no_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(10**11)
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "folder.json").mkdir()
    assert [read_record(path) for path in sorted(tmp_path.iterdir())] == [None] * 3


def test_a_set_whose_record_is_tampered_with_is_made_and_one_that_can_have_none_fails(tmp_path: Path) -> None:
    first = job(tmp_path)
    first.record.parent.mkdir()
    first.record.write_text(json.dumps(WHOLE | {"earlier": [GOOD | {"file": "a/b"}]}))
    assert not first.finished
    assert fuse_set(first).status == "done"
    first.record.unlink()
    (first.record / "in the way").mkdir(parents=True)
    outcome = fuse_set(replace(first, force=True))
    assert outcome.status == "failed"
    assert "no record could be written: Is a directory" in outcome.reason


def test_a_set_that_cannot_be_aligned_is_refused_and_leaves_no_picture(tmp_path: Path) -> None:
    bad = job(tmp_path)
    for index, path in enumerate(bad.files):
        write_photo(path, np.random.default_rng(index).integers(0, 256, (96, 96, 3), dtype=np.uint8))
    outcome = fuse_set(bad)
    assert outcome.status == "failed"
    assert ".png cannot be laid on " in outcome.reason
    assert record(bad.output.parent, "barn")["reason"] == outcome.reason
    assert not bad.output.exists()
    assert fuse_set(replace(bad, options=FuseOptions(align=False))).status == "done"


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
