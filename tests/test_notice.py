"""The licences of what is installed are listed as they are, and none of them binds who uses the package."""

from __future__ import annotations

import re
from importlib.metadata import distribution

import pytest
from packaging.utils import canonicalize_name
from support.projects import ROOT

from tools.notice import NOTICE, SECTIONS, gpl_without_choice, licence, notice, sections

# Distributions that name the GPL as one of several in classifiers alone, and where they say that one may choose.
CHOICE = {"text-unidecode": "its README: Artistic License, or GPL 2 or later"}


def lines(text: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9.-]+): (.+)$", text, re.MULTILINE))


def test_the_notice_says_what_is_installed() -> None:
    written, wanted = lines(NOTICE.read_text(encoding="utf-8")), lines(notice())
    assert len(wanted) > 100
    assert {name: text for name, text in wanted.items() if written.get(name) != text} == {}, "run `make notice`"
    locks = "".join(path.read_text() for path in ROOT.glob("requirements*.lock"))
    locked = {canonicalize_name(name) for name in re.findall(r"^([\w.-]+)==", locks, re.MULTILINE)}
    assert sorted(written.keys() - wanted.keys() - locked) == [], "no longer installed: run `make notice`"


def test_the_notice_puts_each_where_it_is_needed_first() -> None:
    text = NOTICE.read_text(encoding="utf-8")
    heads = [text.index(head) for head in SECTIONS.values()]
    for name, section in (("torch", 0), ("rawpy", 0), ("mlflow", 1), ("dvc", 1), ("exiv2", 2), ("pytest", 2)):
        at = text.index(f"\n{name}: ")
        assert sum(head < at for head in heads) == section + 1, name


@pytest.mark.parametrize("section", ["photos", "loop"])
def test_no_package_at_run_time_is_under_the_gpl(section: str) -> None:
    names = sections()[section]
    assert len(names) > 10
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
