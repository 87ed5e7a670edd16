"""Brackets that are as they were recorded cost no question to DVC; any change is seen, and mended."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.checkouts import CACHE, RAW, WHOLE, contents, drop
from support.projects import ROOT, run_dvc

from deepfuse import notes
from deepfuse.params import read_yaml
from flows import pipeline, raw, standing, unchanged

PHOTO = RAW / "attic/00.dng"

pytestmark = pytest.mark.usefixtures("in_checkout")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The questions to DVC since all was known."""
    for module in (notes, standing):
        monkeypatch.setattr(module, "SETTLED_S", -1.0)
    words: list[str] = []
    dvc = pipeline.dvc
    monkeypatch.setattr(pipeline, "dvc", lambda *args, **kwargs: words.append(args[0]) or dvc(*args, **kwargs))
    raw.restore()
    words.clear()
    return words


def again() -> None:
    raw.restore()
    raw.record()


def test_nothing_is_asked_where_nothing_changed(asked: list[str]) -> None:
    again()
    assert asked == []
    assert contents() == WHOLE


def test_a_photo_written_into_is_seen_though_size_and_time_are_as_before(asked: list[str]) -> None:
    before = PHOTO.stat()
    PHOTO.chmod(0o644)
    PHOTO.write_text("attic X")
    os.utime(PHOTO, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert PHOTO.stat().st_size == before.st_size
    md5 = raw.recorded_md5()
    assert unchanged.unrecorded(md5) == {RAW}
    raw.restore()
    assert contents() == WHOLE


@pytest.mark.parametrize(("few", "first"), [(100, "add"), (0, "data")])
def test_a_photo_with_other_content_is_put_back(
    asked: list[str], monkeypatch: pytest.MonkeyPatch, few: int, first: str
) -> None:
    monkeypatch.setattr(unchanged, "FEW", few)
    PHOTO.unlink()
    PHOTO.write_text("other")
    again()
    assert contents() == WHOLE
    assert asked[0] == first


def test_what_the_cache_lacks_is_put_there(asked: list[str]) -> None:
    md5 = raw.recorded_md5()[PHOTO]
    stored = CACHE / md5[:2] / md5[2:]
    drop(stored)
    stored.write_text("")
    again()
    assert "add" in asked
    assert stored.read_text() == PHOTO.read_text()


def test_another_set_is_recorded(asked: list[str]) -> None:
    new = RAW / "dune/00.dng"
    new.parent.mkdir()
    new.write_text("dune 0")
    again()
    before = raw.recorded_md5()
    assert new in before
    assert asked == ["add"]
    listed = pipeline.raw_md5()
    run_dvc(Path(), "add", str(RAW))
    assert pipeline.raw_md5() == listed, "DVC records of all what it records of the new set"
    (RAW / "dune/00.dng").unlink()
    again()
    assert new.read_text() == "dune 0"


def test_dvc_is_asked_once_whether_anything_is_to_be_run(asked: list[str]) -> None:
    Path(".dvcignore").write_text("__pycache__/\n")
    assert [pipeline.up_to_date() for _ in "abc"] == [True] * 3
    assert asked == ["status"]
    cached = RAW / "attic/__pycache__"
    cached.mkdir()
    (cached / "x.pyc").write_text("")
    assert pipeline.up_to_date()
    assert asked == ["status"]
    report = Path("data/report/00.dng")
    report.rename("aside")
    assert not pipeline.up_to_date(), "an output is missing"
    Path("aside").rename(report)
    assert pipeline.up_to_date()
    before = PHOTO.stat()
    PHOTO.unlink()
    PHOTO.write_text("attic X")
    os.utime(PHOTO, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert not pipeline.up_to_date(), "an input is another one of the same size and time"


def test_dvc_is_not_asked_where_other_brackets_are_recorded_than_were_read(asked: list[str]) -> None:
    assert pipeline.up_to_date()
    (RAW / "dune").mkdir()
    (RAW / "dune/00.dng").write_text("dune 0")
    again()
    asked.clear()
    assert not pipeline.up_to_date()
    assert asked == []


AT_ONCE = ["renew ingest", "repro --downstream align replay"]


@pytest.mark.parametrize(("source", "wanted"), [("data/raw", AT_ONCE), ("data/sample", ["repro evaluate"])])
def test_the_stage_that_reads_other_brackets_is_run_at_once(
    monkeypatch: pytest.MonkeyPatch, source: str, wanted: list[str]
) -> None:
    params = (ROOT / "params.yaml").read_text()
    assert params.count("source: data/sample ") == 1
    Path("params.yaml").write_text(params.replace("source: data/sample ", f"source: {source} "))
    run: list[str] = []
    (RAW / "dune").mkdir()
    (RAW / "dune/00.dng").write_text("dune 0")
    again()
    monkeypatch.setattr(pipeline, "dvc", lambda *words: run.append(" ".join(words)))
    pipeline.reproduce()
    assert run == wanted


def test_a_renewed_stage_is_recorded_and_no_run_of_it_is_kept() -> None:
    (RAW / "dune").mkdir()
    (RAW / "dune/00.dng").write_text("dune 0")
    again()
    before = set(Path(".dvc/cache/runs").glob("*/*/*"))
    assert before
    pipeline.dvc("renew", "evaluate")
    assert pipeline.up_to_date()
    assert set(Path(".dvc/cache/runs").glob("*/*/*")) == before
    with pytest.raises(RuntimeError, match="expected exit code 0"):
        pipeline.dvc("renew", "no_stage")


def test_what_follows_the_first_stage_is_all_that_there_is() -> None:
    stages = read_yaml(ROOT / "dvc.yaml")["stages"]
    found: set[str] = set()
    for name, stage in stages.items():  # in the order in which they follow each other
        made = [Path(out) for other in found for out in stages[other]["outs"]]
        if name in pipeline.NEXT_STAGES or any(Path(dep).is_relative_to(out) for dep in stage["deps"] for out in made):
            found.add(name)
    assert found == stages.keys() - {"sample", pipeline.FIRST_STAGE}


def test_what_changed_a_moment_ago_is_not_taken_as_known(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "SETTLED_S", 1e5)
    assert pipeline.up_to_date()
    assert pipeline.up_to_date()
    assert asked == ["status", "status"]
