"""A verdict as a record in JSON and as a table in Markdown."""

from __future__ import annotations

from dataclasses import asdict
from math import isfinite
from typing import Any

from deepfuse.evaluation.judging import Check, Verdict

# What each check compares.
MEANINGS = {
    "scenes": "test scenes",
    "sure_gain": "mean MEF-SSIM; the gain that is sure",
    "worst_scene": "MEF-SSIM of the scene that loses most",
    "above_baseline": "mean MEF-SSIM beside a plain average",
    "mef_ssim_c": "structure in colour and brightness",
    "lightness_order_error": "pixel pairs whose order of lightness is reversed",
    "clipped_share": "pixels clipped though not in every frame",
    "halo": "change across edges against the scene's",
    "chroma_gain": "chroma kept; the change of its distance from 1",
    "seconds_per_mp": "seconds per megapixel; the change as a share",
    "parameters": "weights; the change as a share",
    "size_bytes": "bytes of weights; the change as a share",
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
    cells = [check.name, *map(_number, numbers), "yes" if check.passed else "**no**", MEANINGS[check.name]]
    return f"| {' | '.join(cells)} |"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.5g}"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not isfinite(value) else value
