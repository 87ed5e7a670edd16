"""What `data/raw.dvc` records is put back where the disk, DVC's cache or both have lost it, and never recorded less."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.checkouts import CACHE, RAW, REMOTE, WHOLE, contents, drop
from support.projects import run_dvc

from deepfuse.errors import BracketError
from flows import pipeline, raw
from flows.__main__ import _remove

CHANGED = RAW / "attic/00.dng"

pytestmark = pytest.mark.usefixtures("in_checkout")


def stored(path: Path) -> Path:
    md5 = raw.recorded_md5()[path]
    return CACHE / md5[:2] / md5[2:]


def lists() -> list[Path]:
    return [*CACHE.glob("*/*.dir"), *REMOTE.glob("*/*.dir")]


def rewrite(path: Path, text: str = "other") -> None:
    path.unlink()
    path.write_text(text)


def write_through(path: Path) -> None:
    path.chmod(0o644)
    path.write_text("other")


def no_remote() -> None:
    run_dvc(Path(), "config", "--unset", "core.remote")


def changed_and_gone_from_the_cache() -> None:
    drop(stored(CHANGED))
    rewrite(CHANGED)


def test_every_recorded_file_is_put_back_as_it_was() -> None:
    changed_and_gone_from_the_cache()
    rewrite(RAW / "attic/01.dng")
    write_through(RAW / "barn/00.dng")
    (RAW / "barn/01.dng").rename(RAW / "barn/07.dng")
    shutil.rmtree(RAW / "cave")
    raw.restore()
    raw.record()
    assert contents() == {**WHOLE, "barn/07.dng": "barn 1"}
    assert contents(Path("data/quarantine/changed")) == dict.fromkeys(
        ("attic/00.dng", "attic/01.dng", "barn/00.dng"), "other"
    )
    assert run_dvc(Path(), "data", "status", "--json").strip() == "{}"


def test_brackets_and_cache_that_are_gone_come_back_from_the_remote() -> None:
    shutil.rmtree(RAW)
    shutil.rmtree(".dvc/cache")
    raw.restore()
    assert contents() == WHOLE


def test_where_no_copy_is_whole_the_run_ends_and_nothing_else_is_lost() -> None:
    no_remote()
    changed_and_gone_from_the_cache()
    shutil.rmtree(RAW / "barn")
    before = pipeline.RAW_DVC.read_text()
    with pytest.raises(BracketError, match=r"got 1 otherwise \(data/raw/attic/00\.dng\).*flows remove attic"):
        raw.restore()
    assert contents() == {**WHOLE, "attic/00.dng": "other"}
    shutil.rmtree(RAW / "barn")
    with pytest.raises(BracketError, match=r"got 2 otherwise \(data/raw/barn/00\.dng, "):
        raw.record()
    assert pipeline.RAW_DVC.read_text() == before


def test_a_list_of_files_that_is_lost_is_fetched_or_made_of_the_same_files() -> None:
    known = raw.recorded_md5()
    for path in lists()[:1]:
        drop(path)
    assert raw.recorded_md5() == known
    for path in lists():
        drop(path)
    assert raw.recorded_md5() == known
    for path in lists():
        path.chmod(0o644)
        path.write_text("[")
    (RAW / "attic/00.dng").unlink()
    with pytest.raises(BracketError, match="expected the list"):
        raw.record()


def test_a_set_goes_when_a_person_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    no_remote()
    changed_and_gone_from_the_cache()
    CHANGED.unlink()
    _remove(["data/raw/attic", "barn/"])
    assert "data/quarantine/removed/attic: yours to keep" in capsys.readouterr().out
    assert sorted(path.name for path in Path("data/quarantine/removed").iterdir()) == ["attic", "barn"]
    raw.restore()
    assert contents().keys() == {"cave/00.dng", "cave/01.dng"}
    assert raw.recorded_md5().keys() == {RAW / "cave/00.dng", RAW / "cave/01.dng"}


def test_what_is_no_set_is_not_removed_nor_anything_beside_it() -> None:
    with pytest.raises(BracketError, match="expected a set of that name, got none: dune"):
        raw.remove(["attic", "dune"])
    assert contents() == WHOLE
