"""`tidy` on a small checkout with brackets in DVC."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.checkouts import cached

from flows.retention import tidy


def test_what_no_commit_has_and_nothing_here_goes(house: Path, caplog: pytest.LogCaptureFixture) -> None:
    everything = {"committed", "in no commit", "as it is now"}
    with caplog.at_level("INFO", logger="flows"):
        tidy(keep=1, remove=False)
        assert cached() == everything
        tidy(keep=1, remove=True)
    said = "DVC's cache: 2 objects that no commit, no experiment and nothing here uses: "  # a file, and a list of one
    assert [record.getMessage() for record in caplog.records] == [f"{said}would go", f"{said}removed"]
    assert cached() == everything - {"in no commit"}
    assert Path("data/raw/attic/1.dng").read_text() == "as it is now"
