"""What the record of a set says of its picture, and how much care that needs: what to look at first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

LOW_MEF_SSIM = 0.95  # of the picture at 512 pixels
CLIPPED, MOVED, CROPPED = 0.02, 0.05, 0.9  # shares of the picture: clipped, moved, left after the crop
_FIRST = {"failed": 100.0, "gone": 50.0, "kept": 5.0}


def flags(details: Mapping[str, Any]) -> list[str]:
    """What a person should look at in a picture, the worst first; nothing where all is well.

    >>> flags({"status": "failed", "reason": "the frames cannot be aligned"})
    ['refused: the frames cannot be aligned']
    >>> flags({"status": "done", "alignment": {"kept_area": 0.8}, "warnings": []})
    ['cropped: 80% of the picture is left']
    """
    return list(_flags(details))


def care(details: Mapping[str, Any]) -> float:
    """A number to sort by: the more, the sooner somebody should look.

    >>> care({"status": "failed"}) > care({"status": "done", "deghosting": {"share": 0.3}}) > care({"status": "done"})
    True
    """
    if details.get("status") in _FIRST:
        return _FIRST[details["status"]]
    measures = mapping(details, "measures")
    lost = 1 - min(number(mapping(details, "alignment"), "kept_area", 1.0), 1.0)
    moved = number(mapping(details, "deghosting"), "share", 0.0)
    clipped = number(measures, "clipped_share", 0.0)
    low = max(LOW_MEF_SSIM - number(measures, "mef_ssim", 1.0), 0.0)
    return 20 * lost + 10 * moved + 50 * clipped + 100 * low + len(_warnings(details))


def _flags(details: Mapping[str, Any]) -> Iterator[str]:
    if details.get("status") == "failed":
        yield f"refused: {details.get('reason') or 'no reason is kept'}"
        return
    if details.get("status") in ("kept", "gone"):
        yield f"{details['status']}: {details.get('reason')}"
        return
    if (kept := number(mapping(details, "alignment"), "kept_area", 1.0)) < CROPPED:
        yield f"cropped: {kept:.0%} of the picture is left"
    if (moved := number(mapping(details, "deghosting"), "share", 0.0)) > MOVED:
        yield f"moved: {moved:.0%} of the picture"
    measures = mapping(details, "measures")
    if (clipped := number(measures, "clipped_share", 0.0)) > CLIPPED:
        yield f"clipped: {clipped:.0%} of the picture"
    if (score := number(measures, "mef_ssim", 1.0)) < LOW_MEF_SSIM:
        yield f"low score: MEF-SSIM {score:.3f}"
    yield from (f"warning: {text}" for text in _warnings(details))


def _warnings(details: Mapping[str, Any]) -> list[Any]:
    found = details.get("warnings")
    return found if isinstance(found, list) else []


def mapping(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A part of a record; nothing where it has none of this name."""
    found = values.get(name)
    return found if isinstance(found, dict) else {}


def number(values: Mapping[str, Any], name: str, default: float) -> float:
    """A number of a record, or what stands for one that it has not."""
    found = values.get(name)
    return float(found) if isinstance(found, int | float) and isfinite(found) else default
