"""What the page shows, in JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deepfuse.batch.care import care, flags
from deepfuse.batch.record import name_below, read_details
from deepfuse.bracket import printable
from deepfuse.fusion.controls import NEUTRAL, RANGES
from deepfuse.fusion.looks import DEFAULT_LOOK, descriptions, named_look
from deepfuse.web.sets import PhotoSet, photo_id
from deepfuse.web.studio import Studio
from deepfuse.web.work import Progress


def overview(studio: Studio) -> dict[str, Any]:
    """The folder, its sets and what is in none."""
    progress = studio.work.progress()
    left_out = studio.sets.left_out()
    return {
        "source": _short(studio.source) if studio.source else "",
        "output": _short(studio.output),
        "format": studio.format,
        "scanning": studio.scanning.is_alive(),
        "looked_at": studio.looked_at,
        "problem": printable(studio.problem),
        "sets": [summary(studio, one, progress) for one in studio.sets.all()],
        "left_out": [
            {"id": photo_id(path), "name": printable(path.name), "why": printable(why)}
            for path, why in left_out.items()
        ],
        "work": work(progress),
        "model": model(studio),
    }


def _short(folder: Path) -> str:
    """A folder as people write it: below their home from `~` on."""
    home = Path.home()
    return printable(f"~/{folder.relative_to(home).as_posix()}" if folder.is_relative_to(home) else str(folder))


def summary(studio: Studio, one: PhotoSet, progress: Progress) -> dict[str, Any]:
    """A set in a list: its frames, what it is, and how its picture is."""
    job = studio.job(one.scene)
    details = read_details(job.record)
    status = _status(one, details, progress, finished=job.finished)
    reason = _reason(one, details, progress) if status in ("failed", "kept") else ""
    shown = {"status": status, "reason": reason} if reason else details if status == "done" else {}
    return {
        "id": one.scene,
        "frames": studio.photos(one),
        "why": printable(one.why),
        "warnings": [printable(text) for text in one.warnings],
        "status": status,
        "reason": printable(reason),
        "flags": [printable(text) for text in flags(shown)] if shown else [],
        "care": care(shown) if shown else 0.0,
        "choice": studio.jobs.choice(one.scene),
        "picture": name_below(studio.output, job.output) if status in ("done", "kept") else "",
        "mef_ssim": _measure(details, "mef_ssim") if status == "done" else None,
    }


def _status(one: PhotoSet, details: Mapping[str, Any], progress: Progress, *, finished: bool) -> str:
    """new, waiting, making, done, failed, or changed: made before, of other frames or otherwise.

    kept: it was to be made anew, and its picture is there as somebody changed it.
    """
    if one.scene in progress.making:
        return "making"
    if one.scene in progress.waiting:
        return "waiting"
    if finished:
        return "done"
    ended = progress.ended.get(one.scene)
    if ended and ended.status == "kept":
        return "kept"
    if one.unreadable or (ended and ended.status == "failed") or (details.get("status") == "failed" and not ended):
        return "failed"
    return "changed" if details.get("status") == "done" else "new"


def _reason(one: PhotoSet, details: Mapping[str, Any], progress: Progress) -> str:
    ended = progress.ended.get(one.scene)
    return (ended.reason if ended and ended.reason else "") or one.unreadable or str(details.get("reason", ""))


def _measure(details: Mapping[str, Any], name: str) -> float | None:
    measures = details.get("measures")
    return measures.get(name) if isinstance(measures, dict) else None


def work(progress: Progress) -> dict[str, Any]:
    """Where the work is."""
    failed = sum(outcome.status == "failed" for outcome in progress.ended.values())
    return {
        "waiting": len(progress.waiting),
        "making": list(progress.making),
        "ended": len(progress.ended),
        "failed": failed,
        "paused": progress.paused,
        "left_s": progress.left_s,
        "refused": printable(progress.refused),
    }


def model(studio: Studio) -> dict[str, Any]:
    """The model that counts."""
    current = studio.model.current()
    return {"name": current.name, "sha256": current.sha256, "mef_ssim": current.mef_ssim,
            "problem": printable(studio.model.problem)}  # fmt: skip


def controls() -> dict[str, Any]:
    """The looks and controls there are: ranges, values at rest, and the values of each look."""
    ranges = {
        name: {"least": least, "most": most, "rest": getattr(NEUTRAL, name)} for name, (least, most) in RANGES.items()
    }
    looks = {name: {"description": text, "values": _values(name)} for name, text in descriptions().items()}
    return {"ranges": ranges, "looks": looks, "default": DEFAULT_LOOK}


def _values(look: str) -> dict[str, float]:
    return {name: getattr(named_look(look), name) for name in RANGES}
