"""The sets that grouping found, as a person rearranges them: frames moved, split off, merged, left out."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from deepfuse.bracket import scene_id
from deepfuse.errors import BracketError
from deepfuse.files import write_json
from deepfuse.grouping import Grouping

BY_HAND = "by hand"
_LEFT_OUT_BY_HAND = "left out by hand"


@dataclass(frozen=True)
class PhotoSet:
    """One set: its id, its frames in order, what makes it one, what speaks against it, and what makes it unreadable."""

    scene: str
    files: tuple[Path, ...]
    evidence: str
    why: str
    warnings: tuple[str, ...] = ()
    unreadable: str = ""


def photo_id(path: Path) -> str:
    """What stands for a photo in addresses, which name no path."""
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


class Sets:
    """The sets of what is open; several threads may ask and change.

    Args:
        kept: the JSON file that keeps what was moved by hand, `{photo: set}`, with an empty set for left out.
    """

    def __init__(self, kept: Path) -> None:
        self._kept = kept
        self._lock = threading.RLock()
        self._sets: dict[str, PhotoSet] = {}
        self._left_out: dict[Path, str] = {}
        self._paths: dict[str, Path] = {}
        self._moved = _read_moves(kept)
        self.changes = 0
        """How often they have changed."""

    def add(self, grouping: Grouping, prefix: str = "") -> list[str]:
        """Take in what grouping found, and move what was moved before; returns the new sets' ids.

        Args:
            grouping: of one folder.
            prefix: of the ids, for folders whose sets may have the names of others.
        """
        with self._lock:
            self.changes += 1
            new = [
                PhotoSet(
                    scene=_prefixed(prefix, group.bracket.scene),
                    files=group.bracket.files,
                    evidence=group.evidence,
                    why=group.why,
                    warnings=group.warnings,
                    unreadable="; ".join(one.why for one in group.unreadable),
                )
                for group in grouping.groups
                if group.evidence != "radiance"
            ]
            self._sets |= {one.scene: one for one in new}
            self._left_out |= {one.file: one.why for one in grouping.left_out}
            paths = [*(file for one in new for file in one.files), *(one.file for one in grouping.left_out)]
            self._paths |= {photo_id(path): path for path in paths}
            kept = {path: self._moved[photo_id(path)] for path in paths if photo_id(path) in self._moved}
            for to in dict.fromkeys(kept.values()):
                self._put([path for path in paths if kept.get(path) == to], to)
            return [one.scene for one in new if one.scene in self._sets]

    def clear(self) -> None:
        """Forget all that was found; what was moved by hand stays known."""
        with self._lock:
            self.changes += 1
            self._sets, self._left_out, self._paths = {}, {}, {}

    def all(self) -> list[PhotoSet]:
        """The sets by id."""
        with self._lock:
            return [self._sets[scene] for scene in sorted(self._sets)]

    def left_out(self) -> dict[Path, str]:
        """The photos that are in no set, and why."""
        with self._lock:
            return dict(self._left_out)

    def get(self, scene: str) -> PhotoSet:
        """One set.

        Raises:
            KeyError: there is none of this id.
        """
        with self._lock:
            return self._sets[scene]

    def path(self, photo: str) -> Path:
        """The file of a photo.

        Raises:
            KeyError: no folder that was opened has it.
        """
        with self._lock:
            return self._paths[photo]

    def move(self, photos: Sequence[str], to: str | None) -> str:
        """Move photos to a set, to one of their own, or to none.

        Args:
            photos: as `photo_id` names them, in the order of their exposure.
            to: the id of a set, "" to leave them out, `None` for a new set.

        Returns:
            The id of the set that has them now, "" for none.

        Raises:
            KeyError: no such photo or set.
            BracketError: nothing to be moved, or a new set of one frame.
        """
        with self._lock:
            paths = [self._paths[photo] for photo in photos]
            if not paths or (to is None and len(paths) < 2):
                raise BracketError(f"expected 2 or more frames for a new set, got {len(paths)}")
            if to:
                self._sets[to]
            scene = self._new_name(paths[0].stem) if to is None else to
            self._put(paths, scene)
            self._keep(paths, scene)
            return scene

    def put_together(self, name: str, files: Sequence[Path]) -> str:
        """A new set of files that grouping need not know; returns its id, which is the name if no other set has it.

        Raises:
            BracketError: fewer than two files.
        """
        if len(files) < 2:
            raise BracketError(f"expected 2 or more frames, got {len(files)}")
        with self._lock:
            scene = self._new_name(name)
            self.changes += 1
            self._sets[scene] = PhotoSet(scene, tuple(files), BY_HAND, "sent together")
            self._paths |= {photo_id(path): path for path in files}
            self._keep(files, scene)
            return scene

    def _keep(self, paths: Sequence[Path], scene: str) -> None:
        self._moved |= {photo_id(path): scene for path in paths}
        write_json(self._kept, self._moved)

    def _put(self, paths: Sequence[Path], scene: str) -> None:
        """A set that loses frames to another is one by hand from then on, and none with fewer than two."""
        self.changes += 1
        chosen = set(paths)
        for one in [one for one in self._sets.values() if chosen & set(one.files) and one.scene != scene]:
            rest = tuple(file for file in one.files if file not in chosen)
            del self._sets[one.scene]
            if len(rest) > 1:
                self._sets[one.scene] = replace(one, files=rest, evidence=BY_HAND, why=f"{one.why}; changed by hand")
            else:
                self._left_out |= dict.fromkeys(rest, f"{one.scene} has no other frame any more")
        if not scene:
            self._left_out |= dict.fromkeys(paths, _LEFT_OUT_BY_HAND)
            return
        before = self._sets.get(scene, PhotoSet(scene, (), BY_HAND, "put together by hand"))
        files = (*before.files, *(path for path in paths if path not in before.files))
        if len(files) < 2:
            self._left_out |= dict.fromkeys(files, f"{scene} has no other frame any more")
            return
        for path in paths:
            self._left_out.pop(path, None)
        why = before.why if before.evidence == BY_HAND else f"{before.why}; changed by hand"
        self._sets[scene] = replace(before, files=files, evidence=BY_HAND, why=why)

    def _new_name(self, wanted: str) -> str:
        name, number = scene_id([wanted]), 2
        while name in self._sets:
            name, number = scene_id([f"{wanted}_{number}"]), number + 1
        return name


def _prefixed(prefix: str, scene: str) -> str:
    return scene if scene.startswith(prefix) else scene_id([prefix, scene])


def _read_moves(path: Path) -> dict[str, str]:
    """What was moved before; nothing where the file is damaged, for then nothing is known of it."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in values.items()} if isinstance(values, dict) else {}
