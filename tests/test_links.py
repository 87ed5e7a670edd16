"""Results that DVC has as another file: that takes their place, where it is whole."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deepfuse import links
from deepfuse.files import file_digest
from deepfuse.incremental import SceneCache
from deepfuse.links import DVC_FILES, link_kept


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A result, and the folder of DVC's cache."""
    monkeypatch.chdir(tmp_path)
    DVC_FILES.mkdir(parents=True)
    path = Path("made")
    path.write_text("frames")
    return path


def theirs(content: str) -> Path:
    """What DVC has under the MD5 of the result."""
    md5 = hashlib.md5(b"frames").hexdigest()
    path = DVC_FILES / md5[:2] / md5[2:]
    path.parent.mkdir()
    path.write_text(content)
    return path


def test_a_result_becomes_the_file_that_dvc_has_of_it(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, read = theirs("frames"), []
    link_kept("made", "out")
    assert Path("out").samefile(kept)
    assert made.samefile(kept)
    assert made.read_text() == "frames"
    assert sorted(path.name for path in Path().iterdir()) == [".dvc", "made", "out"]
    monkeypatch.setattr(links, "file_digest", lambda *of: read.append(of) or file_digest(*of))
    Path("out").unlink()
    link_kept("made", "out")
    assert Path("out").samefile(kept)
    assert not read, "it is known by its links"


@pytest.mark.parametrize("content", [None, "fram", "damage"])
def test_what_dvc_lacks_or_has_damaged_is_not_taken(made: Path, content: str | None) -> None:
    if content is not None:
        theirs(content)
    link_kept("made", "out")
    assert Path("out").samefile(made)
    assert made.read_text() == "frames"


def test_where_no_link_can_be_nothing_is_read(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*of: object) -> None:
        raise PermissionError

    theirs("frames")
    monkeypatch.setattr(links.os, "link", refused)
    monkeypatch.setattr(links, "file_digest", lambda *of: pytest.fail("read"))
    link_kept("made", "out")
    assert Path("out").read_text() == "frames"


def test_what_a_process_left_that_was_killed_as_it_took_over_costs_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made, cache = [], SceneCache("ingest", "key")

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / "scene").mkdir()
        for name in ("manifest.json", "scene/frames.tif"):
            (folder / name).write_text(name)

    entry = cache.folder("inputs", make)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for name in ("manifest.json", "scene/frames.tif"):
        temporary = entry / name
        os.link(temporary, temporary.with_name(f".{'0' * 12}_{ended.pid}{temporary.suffix}"))
    assert cache.folder("inputs", make) == entry
    assert len(made) == 1
    assert {path.name for path in entry.rglob("*")} == {"manifest.json", "scene", "frames.tif", "sizes"}
    (entry / "scene/stray.tif").write_text("of nobody")
    cache.folder("inputs", make)
    assert len(made) == 2
