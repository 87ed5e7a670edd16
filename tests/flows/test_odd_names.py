"""Names in the inbox that DVC, a terminal or another set would misread: refused, or kept apart, or recorded."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from support.inboxes import photos, reason, taken
from support.projects import ROOT, run_dvc

from deepfuse.grouping import find_brackets
from flows import sets
from flows.inbox import INBOX, RAW, take_arrivals
from flows.logs import log
from flows.quarantine import QUARANTINE

pytestmark = pytest.mark.usefixtures("in_folder")


@pytest.mark.parametrize("name", [".dvcignore", ".dvc", "old.dvc", "dvc.yaml", ".git", "mlruns"])
@pytest.mark.usefixtures("unread")
def test_what_dvc_reads_as_its_own_is_refused(name: str) -> None:
    (photos(INBOX / "odd", 10, 200) / name).write_text("*\n")
    photos(INBOX / "zoo", 30, 90)
    assert taken() == {"odd": "refused", "zoo": "accepted"}
    assert name in reason("odd")


def test_a_set_of_a_name_that_dvc_leaves_out_here_is_refused() -> None:
    for pattern in (ROOT / ".dvcignore").read_text().split():
        folder = photos(Path(pattern.rstrip("/")), 10)
        with pytest.raises(sets.BracketError, match="leaves out"):
            sets.check_files(folder, most_bytes=1e9)


@pytest.mark.usefixtures("unread")
def test_names_reach_no_log_and_no_record_as_they_are() -> None:
    photos(INBOX / "a\x1b[31m\nb", 10, 200)
    (photos(INBOX / "odd\x9b", 10) / "x\x1b").symlink_to("nowhere")
    (INBOX / os.fsdecode(b"latin\xe9")).mkdir()
    photos(INBOX, 10)
    (INBOX / "0.png").rename(INBOX / "\x07.png")
    arrivals = take_arrivals({})
    assert sorted(arrival.status for arrival in arrivals) == ["accepted", "refused", "refused", "waiting"]
    records = [path.read_text() for path in QUARANTINE.glob("*/reason.json")]
    assert len(records) == 2
    text = "".join([*records, *(f"{one.name} {one.detail}" for one in arrivals)])
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]", text)


@pytest.mark.parametrize(
    ("first", "second"),
    [("paris", "paris__tower"), ("paris__tower", "paris"), ("paris", "paris_"), ("paris", "paris__tower__top")],
)
@pytest.mark.usefixtures("unread")
def test_two_sets_whose_scenes_could_have_one_id_are_kept_apart(first: str, second: str) -> None:
    inner = {"paris": "tower", "paris_": "x"}
    for name, level in ((first, 10), (second, 20)):
        photos(INBOX / name / inner.get(name, "."), level, level + 190)
        assert list(taken().values()) == ["accepted"]
    photos(RAW / first / "_x", 40, 200)
    assert len({group.bracket.scene for group in find_brackets(RAW).groups}) == 3
    assert (RAW / first).is_dir()
    renamed = next(path.name for path in RAW.iterdir() if path.name != first)
    assert re.fullmatch(re.escape(second.replace("__", "_")) + "-[0-9a-f]{8}", renamed)


@pytest.mark.usefixtures("unread")
def test_a_name_as_long_as_a_name_can_be_gets_its_hash_and_its_record() -> None:
    name = "é" * 127
    for level in (10, 20, 10):
        photos(INBOX / name, level, 200)
        take_arrivals({})
    assert len(list(RAW.iterdir())) == 2
    assert len(list((QUARANTINE / "duplicates").iterdir())) == 1
    assert list(INBOX.iterdir()) == []


@pytest.mark.usefixtures("unread")
def test_dvc_records_every_file_of_what_was_taken(tmp_path: Path) -> None:
    run_dvc(tmp_path, "init", "--no-scm", "-q")
    names = [
        "a\nb.png",
        "a\\b.png",
        " x\x1b.png",
        "#.png",
        ".gitignore",
        "[z].png",
        "é.png",
        ".hidden/.x",
        "paris__.png",
    ]
    for name in names:
        path = INBOX / "odd" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    assert taken() == {"odd": "accepted"}
    run_dvc(tmp_path, "add", "data/raw")
    assert f"nfiles: {len(names)}" in Path("data/raw.dvc").read_text()


def test_a_log_is_given_nothing_that_commands_a_terminal(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="flows"):
        log("%s: %s: %d", Path("a\x1b[31m\nb"), "tab\tbed", 3)
    assert caplog.messages == ["a␛[31m␊b: tab     bed: 3"]
