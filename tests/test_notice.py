"""The licences of what is installed are listed as they are, and none of them binds who uses the package."""

from __future__ import annotations

import re
from importlib.metadata import distribution
from pathlib import Path

import pytest
import support.notice
from support.notice import NOTICE, SECTIONS, gpl_without_choice, licence, locked, notice, sections

# Distributions that name the GPL as one of several in classifiers alone, and where they say that one may choose.
CHOICE = {"text-unidecode": "its README: Artistic License, or GPL 2 or later"}


def lines(text: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9.-]+): (.+)$", text, re.MULTILINE))


def test_the_notice_says_what_is_installed() -> None:
    text = NOTICE.read_text(encoding="utf-8")
    installed = set().union(*sections().values())
    assert len(installed) > 100
    assert sorted(installed - lines(text).keys()) == [], "new: run `make notice`"
    assert text == notice(), "run `make notice`"


def test_a_stale_notice_is_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good, stale = NOTICE.read_text(encoding="utf-8"), tmp_path / "NOTICE"
    changed = good.replace("\ntorch: ", "\ngone: MIT\ntorch: Proprietary ").replace("\nmypy: MIT", "")
    assert lines(changed).keys() ^ lines(good).keys() == {"gone", "mypy"}
    stale.write_text(changed, encoding="utf-8")
    monkeypatch.setattr(support.notice, "NOTICE", stale)
    assert notice() == good


def test_what_is_locked_for_other_machines_keeps_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, other = NOTICE.read_text(encoding="utf-8"), tmp_path / "NOTICE"
    assert "nvidia-cublas" in locked()
    told = text.replace("\ntorch: ", "\nnvidia-cublas: LicenseRef-NVIDIA\ntorch: ")
    other.write_text(told, encoding="utf-8")
    monkeypatch.setattr(support.notice, "NOTICE", other)
    elsewhere = "nvidia-cublas" not in set().union(*sections().values())
    assert ("\nnvidia-cublas: LicenseRef-NVIDIA\n" in notice()) == elsewhere


def test_the_notice_puts_each_where_it_is_needed_first() -> None:
    text = NOTICE.read_text(encoding="utf-8")
    heads = [text.index(head) for head in SECTIONS.values()]
    first = {"torch": 0, "rawpy": 0, "mlflow": 1, "dvc": 1, "distributed": 2, "exiv2": 3, "pytest": 3}
    for name, section in first.items():
        at = text.index(f"\n{name}: ")
        assert sum(head < at for head in heads) == section + 1, name


@pytest.mark.parametrize("section", ["photos", "loop", "cluster"])
def test_no_package_at_run_time_is_under_the_gpl(section: str) -> None:
    names = sections()[section]
    assert len(names) > 9
    assert sorted(name for name in names - CHOICE.keys() if gpl_without_choice(licence(distribution(name)))) == []


def test_the_gpl_is_known_where_it_is() -> None:
    assert gpl_without_choice(licence(distribution("exiv2")))
    assert "exiv2" in sections()["dev"]
    for text in ("GPLv3", "AGPL-3.0-only", "BSD / GNU General Public License v3 (GPLv3)", "GPL-2.0-only AND MIT"):
        assert gpl_without_choice(text)
    for text in (
        "LGPL",
        "GPLv2 | EPLv1",
        "GPLv2 with linking exception",
        "GNU Lesser General Public License v3 (LGPLv3)",
    ):
        assert not gpl_without_choice(text)
