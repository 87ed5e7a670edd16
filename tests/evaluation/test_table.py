"""The table of measures: what reads it, and that a new measure is one function and one row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.projects import ROOT
from support.scores import changed

from deepfuse.cli import main
from deepfuse.errors import ParamsError
from deepfuse.evaluation import (
    Contender,
    Cost,
    Score,
    check_max_worse,
    fuse_average,
    guards,
    judge,
    reference_guards,
    score,
)
from deepfuse.evaluation.cost import COSTS
from deepfuse.evaluation.report import mean_scores, read_scores, report_page, scores_csv
from deepfuse.evaluation.verdict_text import as_markdown
from deepfuse.metrics import table
from deepfuse.metrics.table import METRICS, Metric
from deepfuse.params import Promote, read_params

RULES = read_params(ROOT / "params.yaml").promote


def blue_share(frames: Sequence[np.ndarray], fused: np.ndarray) -> float:
    """The share of blue in the sum of all channels."""
    return float(fused[..., 2].sum() / fused.sum())


TOY = Metric("blue_share", blue_share, "how blue it is", better="nearest", best=0.25, guarded=True)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Metric:
    monkeypatch.setattr(table, "METRICS", (*METRICS, TOY))
    return TOY


def with_bound(**bounds: float) -> Promote:
    reference = RULES.reference.model_copy(update={"max_worse": {**RULES.reference.max_worse, **bounds}})
    return RULES.model_copy(update={"max_worse": {**RULES.max_worse, **bounds}, "reference": reference})


def test_a_new_measure_is_in_every_figure(toy: Metric, bracket: list[np.ndarray], tmp_path: Path) -> None:
    picture = fuse_average(bracket)
    scores = {"attic": {"model": score(bracket, picture), "average": score(bracket, picture)}}
    value = blue_share(bracket, picture)
    assert mean_scores(scores)["blue_share"] == dict.fromkeys(("model", "average"), round(value, 6))
    (tmp_path / "scenes.csv").write_text(scores_csv(scores))
    assert "blue_share_model,blue_share_average\n" in scores_csv(scores)
    assert read_scores(tmp_path / "scenes.csv")["attic"]["blue_share"] == pytest.approx(value, abs=1e-6)
    page = report_page(scores, pictured=[], moving={"attic": None})
    row = f'<tr><td>blue_share<td>{value:.4f}<td>{value:.4f}<td class="text">how blue it is; 0.25 is best</tr>'
    assert row in page


def test_a_new_measure_is_printed(toy: Metric, files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", files[1], *files]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split(maxsplit=2)[::2] == [
        "blue_share",
        "how blue it is; 0.25 is best",
    ]
    assert main(["score", files[1], *files, "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out))[-1] == "blue_share"


def contender(**values: float) -> Contender:
    """A model of eight scenes, at its best in all that is not named."""
    best = Score({metric.name: metric.best for metric in table.METRICS})
    return Contender({f"s{index}": changed(best, **values) for index in range(8)}, Cost(1.0, 1, 1))


@pytest.mark.parametrize(("blue", "promoted"), [(0.26, True), (0.24, True), (0.36, False), (0.14, False)])
def test_a_new_measure_is_guarded(toy: Metric, blue: float, promoted: bool) -> None:
    verdict = judge(contender(blue_share=blue), contender(mef_ssim=0.9), with_bound(blue_share=0.1))
    assert verdict.promote is promoted
    assert [check.name for check in verdict.checks if not check.passed] == ["blue_share"] * (not promoted)
    assert "how blue it is; the change of its distance from 0.25 |" in as_markdown(verdict)


@pytest.mark.parametrize(("better", "allowed", "refused"), [("higher", 0.2, 0.1), ("lower", 0.3, 0.4)])
def test_each_way_of_getting_better_is_guarded(
    monkeypatch: pytest.MonkeyPatch, better: str, allowed: float, refused: float
) -> None:
    monkeypatch.setattr(table, "METRICS", (*METRICS, replace(TOY, better=better)))
    champion, rules = contender(mef_ssim=0.9), with_bound(blue_share=0.1)
    assert judge(contender(blue_share=allowed), champion, rules).promote
    assert not judge(contender(blue_share=refused), champion, rules).promote


def test_the_default_bounds_are_those_of_the_guards() -> None:
    check_max_worse(RULES)
    assert list(RULES.max_worse) == guards()
    assert list(RULES.reference.max_worse) == reference_guards()


def test_a_bound_too_many_or_too_few_is_named(toy: Metric) -> None:
    with pytest.raises(ParamsError, match=r"promote\.max_worse\.blue_share: expected a bound, got none"):
        check_max_worse(RULES)
    with pytest.raises(ParamsError, match=r"promote\.max_worse\.hallo: expected one of .*halo"):
        judge(contender(), None, with_bound(blue_share=0.1, hallo=1.0))


def test_the_documented_measures_are_those_of_the_table() -> None:
    rows = [line for line in (ROOT / "docs/metrics.md").read_text().splitlines() if line.startswith("| `")]
    metrics = [f"| `{m.name}` | {m.meaning} | {m.better} | {m.best:g} |{' yes' * m.guarded} |" for m in METRICS]
    assert rows == metrics + [f"| `{name}` | {meaning} |" for name, meaning in COSTS.items()]
