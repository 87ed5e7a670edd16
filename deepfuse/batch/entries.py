"""What a contact sheet shows of each set, by its record and what lies in the folder now."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepfuse.batch.care import care, flags, mapping, number
from deepfuse.batch.record import FOLDER, Outcome, Record, read_details, read_record
from deepfuse.batch.thumbnails import BELOW, renew_thumbnails, thumbnail_file
from deepfuse.bracket import printable


@dataclass(frozen=True)
class Entry:
    """One set on the sheet.

    Attributes:
        scene: its id.
        status: done, kept (somebody changed its picture), gone (somebody removed it) or failed.
        picture: its path below the folder; empty where there is none.
        thumbnail: likewise of its small picture.
        frames: how many it has.
        size_px: of the picture, width and height.
        seconds: what it took.
        mef_ssim: of the picture; of it at 512 pixels, where that alone was measured.
        shares: of the picture: what the crop left, what moved, what is clipped; `None` where it is not known.
        flags: what a person should look at.
        care: how soon; the more, the sooner.
    """

    scene: str
    status: str
    picture: str = ""
    thumbnail: str = ""
    frames: int = 0
    size_px: tuple[int, int] = (0, 0)
    seconds: float = 0.0
    mef_ssim: float | None = None
    shares: tuple[float | None, float | None, float | None] = (None, None, None)
    flags: tuple[str, ...] = ()
    care: float = 0.0


def entries_of(output: Path, scenes: Collection[str], lost: Sequence[Outcome]) -> list[Entry]:
    """All sets of a folder and what was lost, those first that need most care; arguments as of `write_sheet`."""
    records = {path: record for path in (output / FOLDER).glob("*.json") if (record := read_record(path))}
    made = {path.stem: output / one.output.file for path, one in records.items() if one.output}
    renew_thumbnails(output, [(scene, picture) for scene, picture in made.items() if picture.is_file()])
    entries = [entry for path, one in records.items() if (entry := _entry(output, path, one, scenes))]
    entries += [_without_picture(one.scene, {"status": "failed", "reason": one.reason}) for one in lost]
    return sorted(entries, key=lambda entry: (-entry.care, entry.scene))


def _entry(output: Path, path: Path, record: Record, scenes: Collection[str]) -> Entry | None:
    """A set by its record; `None` if it is of a set that is no more and has no picture."""
    details, scene = read_details(path), path.stem
    picture = output / record.output.file if record.output else None
    if record.status != "done" or picture is None:
        return _without_picture(scene, details | {"status": "failed"}) if scene in scenes else None
    if not picture.is_file():
        told = {"status": "gone", "reason": f"{picture.name} is not there any more"}
        return _without_picture(scene, details | told) if scene in scenes else None
    if record.changed(picture, output):
        details |= {"status": "kept", "reason": "changed since it was made"}
    return _with_picture(output, scene, picture, details)


def _without_picture(scene: str, details: Mapping[str, Any]) -> Entry:
    return Entry(
        scene=scene,
        status=str(details["status"]),
        frames=_count(details),
        flags=tuple(map(printable, flags(details))),
        care=care(details),
    )


def _with_picture(output: Path, scene: str, picture: Path, details: Mapping[str, Any]) -> Entry:
    thumbnail, measures = thumbnail_file(output, scene), mapping(details, "measures")
    scored = details if isinstance(details.get("mef_ssim"), float) else measures
    return Entry(
        scene=scene,
        status=str(details["status"]),
        picture=picture.relative_to(output).as_posix(),
        thumbnail=f"{BELOW}/{thumbnail.name}" if thumbnail.is_file() else "",
        frames=_count(details),
        size_px=(int(number(details, "width", 0)), int(number(details, "height", 0))),
        seconds=sum(one for one in mapping(details, "seconds").values() if isinstance(one, int | float)),
        mef_ssim=_known(scored, "mef_ssim"),
        shares=(
            _known(mapping(details, "alignment"), "kept_area"),
            _known(mapping(details, "deghosting"), "share"),
            _known(measures, "clipped_share"),
        ),
        flags=tuple(map(printable, flags(details))),
        care=care(details),
    )


def _count(details: Mapping[str, Any]) -> int:
    files = details.get("files")
    return len(files) if isinstance(files, list) else 0


def _known(values: Mapping[str, Any], name: str) -> float | None:
    found = number(values, name, -1.0)
    return None if found < 0 else found
