"""`deepfuse monitor`: the days, the page, and what is said where there is nothing."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from deepfuse.cli import main
from deepfuse.monitoring.records import Row, keep

EVIL = '<script>alert("x")</script>'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEEPFUSE_RECORDS", str(tmp_path / "records"))
    return tmp_path / "records"


def serve(day: str, model: str, **values: object) -> None:
    known = {"width_px": 2000, "height_px": 1000, "seconds": 3.0} | values
    keep(Row("served", values.pop("status", "done"), "", model, "ab" * 32, "1", time=f"{day}T10:00:00+00:00",
             **{name: value for name, value in known.items() if name != "status"}))  # type: ignore[arg-type]  # fmt: skip


@pytest.fixture
def days(folder: Path) -> Path:
    serve("2026-11-24", "models:/deepfuse/1", measures={"mef_ssim": 0.9})
    serve("2026-11-25", "models:/deepfuse/1", measures={"mef_ssim": 0.96}, warnings=2, gap_ev=6.0)
    serve("2026-11-25", "models:/deepfuse/1", measures={"mef_ssim": 0.98}, seconds=9.0, width_px=4000, gap_ev=4.0)
    serve("2026-11-25", EVIL, status="refused", reason=f"{EVIL}: expected a photo")
    return folder


def test_days_and_models_are_summed_up(days: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["monitor", "--since", "2026-11-25"]) == 0
    text = capsys.readouterr().out
    assert "2026-11-24" not in text
    assert re.search(r"2026-11-25 +models:/deepfuse/1 abababab +2 +0 +1 +2\.00 +0\.9700", text)
    assert re.search(r"2026-11-25 .*script.* 0 +1 +0 +– +–", text)
    assert f"1× refused: {EVIL}: expected a photo" in text
    assert main(["monitor", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [(day["day"], day["done"], day["refused"]) for day in said["days"]] == [
        ("2026-11-24", 1, 0), ("2026-11-25", 0, 1), ("2026-11-25", 2, 0),
    ]  # fmt: skip
    assert said["days"][-1]["gap_ev"] == 5.0
    assert said["refusals"] == [{"reason": f"{EVIL}: expected a photo", "times": 1}]


class Tags(HTMLParser):
    """The tags of a page, and what they refer to."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.addresses: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "xlink:href")]


def test_the_page_is_one_file_with_charts_and_runs_nothing(days: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert main(["monitor", "-o", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(text)
    assert "script" not in tags.names
    assert tags.addresses == []
    assert tags.names.count("svg") >= 4
    assert text.count("&lt;script&gt;") >= 3
    assert tags.names.count("rect") == 6, "made, warned and refused of two days"
    assert "<title>models:/deepfuse/1 abababab 0.97</title>" in text


def test_the_page_of_one_refused_bracket_is_a_page(folder: Path, tmp_path: Path) -> None:
    serve("2026-11-25", "m", status="refused")
    assert main(["monitor", "-o", str(tmp_path / "page.html")]) == 0
    assert "<p>no value" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize("options", [[], ["--since", "2999-01-01"]])
def test_nothing_to_show_is_said(folder: Path, options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    folder.mkdir()
    assert main(["monitor", *options]) == 3
    assert capsys.readouterr().out == "no record\n"


def test_where_no_record_can_be_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEEPFUSE_RECORDS", "off")
    assert main(["monitor"]) == 4
    assert "DEEPFUSE_RECORDS" in capsys.readouterr().err
    assert main(["monitor", "--records", str(tmp_path / "none")]) == 4
    assert "nothing was kept there yet" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["monitor", "--since", "yesterday"])
    assert "expected a day as YYYY-MM-DD, got yesterday" in capsys.readouterr().err
