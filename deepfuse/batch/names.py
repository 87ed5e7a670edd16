"""What pictures are called: a template filled with what a set is and how it was taken, the same at each run."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from string import Formatter

from deepfuse.batch.place import not_linked, own_folder
from deepfuse.batch.record import FOLDER, Record, read_record, seen, stat_of
from deepfuse.bracket import BracketFiles, printable, scene_id
from deepfuse.errors import PhotoError
from deepfuse.files import write_json
from deepfuse.metadata.capture import taken_at
from deepfuse.photo.limits import DEFAULT_LIMITS
from deepfuse.photo.opening import open_photo

DEFAULT = "{set}"
KEPT = "naming"
FORMATS = ("tif", "png", "jpg")
_OF_SET, _OF_CAPTURE = ("set", "stem", "folder"), ("date", "time", "camera")
"""Fields: the set's id, the name of its first photo and of that one's folder; when and by what that was taken."""
_UNSAFE = re.compile(r'[/\\:*?"<>|]')  # in names of files, on some system or other
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # names of devices on Windows
_COUNTER = r"(_([2-9]|[1-9]\d+))?"


@dataclass(frozen=True)
class Naming:
    """How pictures are named: the template, and whether they lie in folders as the photos do below the one searched."""

    template: str = DEFAULT
    tree: bool = False


def keep_naming(output: Path, naming: Naming) -> None:
    """Keep in an output folder how its pictures are named from now on.

    Raises:
        DeepfuseError: what is the batch's own there leads elsewhere.
    """
    if read_naming(output) != naming:
        folder = own_folder(output)
        folder.mkdir(exist_ok=True)
        write_json(not_linked(folder / KEPT), asdict(naming))


def read_naming(output: Path) -> Naming:
    """How the pictures in an output folder were named last; by their sets where nothing sound is kept of it."""
    try:
        values = json.loads((output / FOLDER / KEPT).read_text(encoding="utf-8"))
        return Naming(check_template(str(values["template"])), values["tree"] is True)
    except (OSError, ValueError, KeyError, TypeError):
        return Naming()


def read_format(output: Path) -> str | None:
    """The format of most pictures that a batch made in an output folder: tif, png or jpg; `None` where there are none.

    Of two as many it is the first.
    """
    records = filter(None, map(read_record, sorted((output / FOLDER).glob("*.json"))))
    found = Counter(one.output.file.rpartition(".")[2] for one in records if one.output)
    return next((name for name, _ in found.most_common() if name in FORMATS), None)


def check_template(text: str) -> str:
    """The same template.

    Raises:
        ValueError: a field is none, or it is no file's name.
    """
    try:
        parts = list(Formatter().parse(text))
    except ValueError as error:
        raise ValueError(f"{printable(text)}: {error}") from error
    fields = (*_OF_SET, *_OF_CAPTURE)
    for _, field, form, conversion in parts:
        if field is not None and (field not in fields or form or conversion):
            known = ", ".join(f"{{{name}}}" for name in fields)
            raise ValueError(f"{{{printable(field)}}}: expected one of {known}")
    if not text.strip(" .") or "/" in text or "\\" in text:
        raise ValueError(f"expected the name of a file without its folder, got {printable(text)!r}")
    return text


def picture_names(
    naming: Naming, brackets: Sequence[BracketFiles], source: Path | None, output: Path
) -> dict[str, str]:
    """The name of each set's picture, without suffix, `/` between folders.

    Where several have one name, one of them has it, the others `_2`, `_3` and so on; a set keeps the name under which
    it was made, whatever sets come after it.

    Args:
        naming: how they are named.
        brackets: all sets that there are, also those that are not to be made.
        source: the folder that was searched for them; photos from elsewhere lie in no folder of it.
        output: where pictures and their records lie.
    """
    if naming == Naming():
        return {one.scene: one.scene for one in brackets}
    wanted = {one.scene: _wanted(naming, one, source) for one in sorted(brackets, key=lambda one: one.scene)}
    held, names = _held(output, brackets), {}
    owners = {name.casefold(): scene for scene, ones in held.items() for name in ones if scene not in wanted}
    for scene, name in wanted.items():
        kept = next((one for one in held.get(scene, ()) if re.fullmatch(re.escape(name) + _COUNTER, one)), None)
        if kept and owners.setdefault(kept.casefold(), scene) == scene:
            names[scene] = kept
    for scene, ones in held.items():
        for one in ones:
            owners.setdefault(one.casefold(), scene)
    for scene, name in wanted.items():
        if scene not in names:
            names[scene] = _free(name, scene, owners)
    return names


def _free(name: str, scene: str, owners: dict[str, str]) -> str:
    """The first of name, name_2, name_3 … that no other set has."""
    number, free = 1, name
    while owners.setdefault(free.casefold(), scene) != scene:
        number += 1
        free = f"{name}_{number}"
    return free


def _held(output: Path, brackets: Sequence[BracketFiles]) -> dict[str, list[str]]:
    """The names of each set that has a record, that of its last picture first; masks' names are some of them.

    A record under an id that no set has any more counts for the set of the same frames, which `renamed` makes it of.
    """
    held: dict[str, list[str]] = {}
    ids, of_frames = {one.scene for one in brackets}, dict[tuple[object, ...], str]()
    records = {path.stem: record for path in sorted((output / FOLDER).glob("*.json")) if (record := read_record(path))}
    if records.keys() - ids:
        there = [one for one in brackets if all(map(Path.is_file, one.files))]
        of_frames = {tuple(seen(stat_of(file)) for file in one.files): one.scene for one in there}
    for scene, record in records.items():
        files = [str(record.key.get("output", "")), *(one.file for one in (*record.made, *record.earlier))]
        now = scene if scene in ids else _now(record, of_frames) or scene
        held.setdefault(now, []).extend(file.rpartition(".")[0] for file in files)
    return held


def _now(record: Record, of_frames: Mapping[tuple[object, ...], str]) -> str | None:
    """The set that has the frames of a record; behind these, its inputs are XMP files."""
    known = tuple(map(seen, record.inputs))
    return next((of_frames[known[:count]] for count in range(len(known), 0, -1) if known[:count] in of_frames), None)


def _wanted(naming: Naming, bracket: BracketFiles, source: Path | None) -> str:
    first = bracket.files[0]
    used = {field for _, field, _, _ in Formatter().parse(naming.template) if field}
    values = {"set": bracket.scene, "stem": first.stem, "folder": first.resolve().parent.name}
    name = safe_name(naming.template.format_map(values | (_captured(first) if used.intersection(_OF_CAPTURE) else {})))
    inside = source if naming.tree and source and first.is_relative_to(source) else None
    below = first.parent.relative_to(inside).parts if inside else ()
    return "/".join([*map(printable, below), name or bracket.scene])


def _captured(photo: Path) -> dict[str, str]:
    try:
        with open_photo(photo, DEFAULT_LIMITS) as opened:
            taken, camera = taken_at(opened.metadata.exif), opened.header.camera
    except PhotoError:  # its worker will say so
        taken, camera = None, ""
    date, time = (taken.strftime("%Y-%m-%d"), taken.strftime("%H-%M-%S")) if taken else ("no-date", "no-time")
    return {"date": date, "time": time, "camera": camera or "no-camera"}


def safe_name(text: str) -> str:
    """A text as a file's name that every system takes; empty where nothing is left of it.

    >>> safe_name(" ../a:b?. ")
    '_a_b_'
    >>> safe_name("aux")
    '_aux'
    """
    name = _UNSAFE.sub("_", printable(text).strip(" ."))
    return scene_id([f"_{name}" if _RESERVED.fullmatch(name) else name])
