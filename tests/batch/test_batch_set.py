"""One set of a batch: when it is made again, and what of it is never lost."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.batches import job, record, state

from deepfuse.batch import work
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


def test_want_of_memory_is_told_by_who_knows_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: 9 bytes")

    monkeypatch.setattr("deepfuse.batch.work.prepare", fail)
    with pytest.raises(MemoryError):
        fuse_set(job(tmp_path))
