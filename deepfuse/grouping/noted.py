"""The brackets of a folder, noted where every photo is in one: then none is looked at until a file changes."""

from __future__ import annotations

import json
from typing import Any

from deepfuse.bracket import BracketFiles
from deepfuse.grouping.evidence import Pictures
from deepfuse.grouping.folders import Folder, Group, Grouping, group_folder
from deepfuse.grouping.formats import Prefer
from deepfuse.notes import Recall


class _UnknownError(Exception):
    """Nothing is noted."""


def known_groups(folder: Folder, prefer: Prefer, frames: int | None, recall: Recall) -> Grouping | None:
    """What is noted of a folder by its files, of which none is looked at; `None` for nothing."""
    try:
        known = recall(_question(folder, prefer, frames), folder.files, _not_now)
    except _UnknownError:
        return None
    return _grouping(known, folder) if known else None


def _not_now() -> None:
    raise _UnknownError


def noted_groups(folder: Folder, prefer: Prefer, frames: int | None, pictures: Pictures, recall: Recall) -> Grouping:
    """What `group_folder` finds in a folder, as `recall` knows it of these files."""
    found: list[Grouping] = []

    def find() -> list[dict[str, Any]] | None:
        found.append(group_folder(folder, prefer, frames, pictures))
        return [_values(group, folder) for group in found[0].groups] if _all_in(found[0]) else None

    known = recall(_question(folder, prefer, frames), folder.files, find)
    if known is None and not found:
        find()
    return found[0] if found else _grouping(known, folder)


def _question(folder: Folder, prefer: Prefer, frames: int | None) -> str:
    homes = [[str(path), home.alone, home.below] for path, home in folder.homes.items()]
    return json.dumps(["groups", prefer, frames, homes])


def _all_in(grouping: Grouping) -> bool:
    """Whether no file is left over: why one cannot be read may change without it."""
    return not (
        grouping.left_out or grouping.refused or any(group.unreadable or group.strays for group in grouping.groups)
    )


def _values(group: Group, folder: Folder) -> dict[str, Any]:
    """A group as JSON values, its files by their places in the folder."""
    return {
        "scene": group.bracket.scene,
        "files": [folder.files.index(file) for file in group.bracket.files],
        "evidence": group.evidence,
        "why": group.why,
        "warnings": group.warnings,
        "evs": group.evs,
    }


def _grouping(known: list[dict[str, Any]], folder: Folder) -> Grouping:
    return Grouping(tuple(_group(values, folder) for values in known), (), ())


def _group(values: dict[str, Any], folder: Folder) -> Group:
    bracket = BracketFiles(values["scene"], tuple(folder.files[place] for place in values["files"]))
    return Group(bracket, values["evidence"], values["why"], tuple(values["warnings"]), tuple(values["evs"]))
