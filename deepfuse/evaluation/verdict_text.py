"""A verdict as a record in JSON and as a table in Markdown."""

from __future__ import annotations

from dataclasses import asdict
from math import isfinite
from typing import Any

from deepfuse.evaluation.cost import COSTS
from deepfuse.evaluation.guards import REFERENCE, TRUTHS
from deepfuse.evaluation.verdict import Check, Verdict
from deepfuse.metrics import table

# What the checks compare that are no guards.
RULES = {
    "scenes": "test scenes",
    "sure_gain": "mean MEF-SSIM; the lower bound of the gain",
    "worst_scene": "MEF-SSIM of the scene that loses most",
    "above_baseline": "mean MEF-SSIM beside a plain average",
}


def headline(verdict: Verdict) -> str:
    """One line."""
    return f"{'promote' if verdict.promote else 'not promoted'}: {verdict.reason}"


def as_record(verdict: Verdict) -> dict[str, Any]:
    """In values of JSON, which has no infinity and no NaN: those become `None`."""
    record: dict[str, Any] = _plain(asdict(verdict))
    return record


def as_markdown(verdict: Verdict) -> str:
    """A headline and one row a check."""
    lines = [f"**{headline(verdict)}**", ""]
    if verdict.gain is not None and verdict.interval is not None:
        low, high = verdict.interval
        lines += [
            f"The mean MEF-SSIM changes by {verdict.gain:+.5f} ({low:+.5f} to {high:+.5f}). "
            f"The scene that loses most, or gains least, is {verdict.worst_scene}.",
            "",
        ]
    if verdict.checks:
        lines += [
            "| check | champion | challenger | number | bound | passed | what it is |",
            "|---|---|---|---|---|---|---|",
        ]
        lines += [_row(check) for check in verdict.checks]
    return "\n".join(lines).rstrip() + "\n"


def _row(check: Check) -> str:
    numbers = (check.champion, check.challenger, check.value, check.bound)
    cells = [check.name, *map(_number, numbers), "yes" if check.passed else "**no**", _meaning(check.name)]
    return f"| {' | '.join(cells)} |"


def _meaning(check: str) -> str:
    """What a check compares."""
    if check.startswith(REFERENCE):
        return f"{_meaning(check.removeprefix(REFERENCE))}; on the reference set, beside the best model known"
    if check in TRUTHS:
        return TRUTHS[check]
    if check in COSTS:
        return f"{COSTS[check]}; the change as a share"
    for metric in table.METRICS:
        if metric.name == check:
            distance = f"; the change of its distance from {metric.best:g}" if metric.better == "nearest" else ""
            return f"{metric.meaning}{distance}"
    return RULES[check]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.5g}"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not isfinite(value) else value
