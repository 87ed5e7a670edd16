"""What a run says of brackets that are of another kind than the champion's."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from support.projects import ROOT

from deepfuse import registry
from deepfuse.monitoring.arrived import Arrived, arrived_csv
from flows import drift, events


def brackets(name: str, gap: float, count: int = 30) -> list[Arrived]:
    return [Arrived(f"{name}{index}", False, "Durian X14", 3, 24.0, gap, 0.01, 0.0, 1.0, 0.0) for index in range(count)]


OLD = brackets("old", 6.0)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What Prefect is told, in words."""
    told: list[tuple[str, str]] = []
    monkeypatch.setattr(events, "tell", lambda what, text: told.append((what, text)))
    return told


@pytest.fixture
def logged(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], str]:
    """The files of the runs of version 1, the champion, which has its scenes, and of version 2."""
    shutil.copy(ROOT / "params.yaml", workplace)
    files = {("1", "metrics/arrived.csv"): arrived_csv(OLD)}

    def log(version: str, file: Path, folder: str) -> None:
        files[version, f"{folder}/{file.name}"] = file.read_text()

    monkeypatch.setattr(registry, "champion_version", lambda: "1")
    monkeypatch.setattr(registry, "run_file", lambda *of: files.get(of))
    monkeypatch.setattr(registry, "log_run_file", log)
    return files


def compare(scenes: list[Arrived]) -> str | None:
    Path("data/metrics").mkdir(parents=True, exist_ok=True)
    Path("data/metrics/arrived.csv").write_text(arrived_csv(scenes))
    said: str | None = drift.compare.fn("2")
    return said


def test_a_shift_is_written_down_shown_and_sent(
    logged: dict[tuple[str, str], str], sent: list[tuple[str, str]]
) -> None:
    said = compare([*OLD, *brackets("new", 8.0)])
    assert said is not None
    assert said.startswith("what arrived is of another kind than what the champion was trained on: gap_ev ")
    figures = json.loads(Path("data/metrics/drift.json").read_text())
    assert (figures["champion"], figures["new_scenes"], figures["over"]) == (1, 30, 1)
    assert figures["psi"]["gap_ev"] > 1
    assert figures["psi"]["noise"] == 0
    assert json.loads(logged["2", "metrics/drift.json"]) == figures
    assert sent == [(events.DRIFTED, said)]
    page = Path("data/drift.html").read_text()
    assert logged["2", "report/drift.html"] == page
    assert "&gt; 6" in page


def test_more_of_the_same_kind_is_no_event_and_few_are_not_told(
    logged: dict[tuple[str, str], str], sent: list[tuple[str, str]]
) -> None:
    assert compare([*OLD, *brackets("new", 6.0)]) == "what arrived is of the kind that the champion was trained on"
    few = compare([*OLD, *brackets("few", 8.0, 19)])
    assert few == "too few scenes to tell whether what arrived is of another kind"
    assert json.loads(Path("data/metrics/drift.json").read_text())["psi"] == {}
    assert "too few to tell" in Path("data/drift.html").read_text()
    assert sent == []


def test_where_there_is_nothing_to_compare_with_no_old_figure_stays(
    logged: dict[tuple[str, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert compare([*OLD, *brackets("new", 8.0)])
    kept = Path("data/metrics/drift.json").read_text()
    assert drift.compare.fn("1") is None, "it is the champion already"
    assert Path("data/metrics/drift.json").read_text() == kept
    del logged["1", "metrics/arrived.csv"]
    assert compare(OLD) is None
    assert json.loads(Path("data/metrics/drift.json").read_text()) == {"new_scenes": 0}
    assert not Path("data/drift.html").exists()
    monkeypatch.setattr(registry, "champion_version", lambda: None)
    assert compare(OLD) is None
