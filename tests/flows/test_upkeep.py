"""`tidy` on a small checkout with brackets in DVC."""

from __future__ import annotations

from pathlib import Path

from support.checkouts import cached

from flows.retention import tidy


def test_what_no_commit_has_and_nothing_here_goes(house: Path) -> None:
    everything = {"committed", "in no commit", "as it is now"}
    tidy(keep=1, remove=False)
    assert cached() == everything
    tidy(keep=1, remove=True)
    assert cached() == everything - {"in no commit"}
    assert Path("data/raw/attic/1.dng").read_text() == "as it is now"
