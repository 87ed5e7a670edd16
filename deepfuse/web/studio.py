"""One open folder with its sets, choices, looks and work: what the page and the API speak to."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from deepfuse.batch import Job, chosen, leave_unsearched
from deepfuse.bracket import printable
from deepfuse.errors import BracketError, DeepfuseError, PhotoError
from deepfuse.grouping import find_brackets
from deepfuse.job.options import FuseOptions
from deepfuse.job.thumbnail import thumbnail
from deepfuse.web import desk
from deepfuse.web.dropped import Dropped
from deepfuse.web.jobs import Jobs, Place
from deepfuse.web.model import ModelInUse
from deepfuse.web.process import Process
from deepfuse.web.sets import PhotoSet, Sets, photo_id
from deepfuse.web.work import Work

OWN = ".deepfuse"
LOOK_SECONDS, THUMBNAIL_SECONDS = 300.0, 60.0


class NotFoundError(DeepfuseError):
    """There is no such set, photo or picture."""


class Studio:
    """What is open.

    Args:
        source: the folder of brackets, which is read in place and never written to; `None` for dropped files alone.
        output: where pictures and records go.
        model: as `model_folder` takes it.
        options: of all sets, where nothing else is chosen.
        format: of the pictures: tif, png or jpg.
        jobs: pictures made at the same time.
    """

    def __init__(
        self, source: Path | None, output: Path, *, model: str | None, options: FuseOptions, format: str, jobs: int
    ) -> None:
        self.source, self.output, self.options, self.format = source, output, options, format
        (output / OWN).mkdir(parents=True, exist_ok=True)
        if source is not None:
            leave_unsearched(source, output)
        self.model = ModelInUse(model)
        self.sets = Sets(output / OWN / "moved.json")
        self.work = Work(output, jobs)
        self.dropped = Dropped(output / OWN / "dropped")
        self.looked_at = 0
        self.problem = ""
        self.jobs = Jobs(Place(source, output, format), self.sets, self.model, options)
        self._lock = threading.Lock()
        self._looks, self._thumbnails = Process(seconds=LOOK_SECONDS), Process(seconds=THUMBNAIL_SECONDS)
        self.scanning = threading.Thread(target=self._scan, daemon=True)
        self.scanning.start()

    def close(self) -> None:
        """End all processes, also in the middle of a picture."""
        self.work.close()
        self._looks.close()
        self._thumbnails.close()
        self.model.close()

    def scan(self) -> None:
        """Look through the folders anew, unless that is under way."""
        with self._lock:
            if not self.scanning.is_alive():
                self.scanning = threading.Thread(target=self._scan, daemon=True)
                self.scanning.start()

    def _scan(self) -> None:
        self.looked_at, self.problem = 0, ""
        self.sets.clear()
        for root in [*filter(None, [self.source]), *self.dropped.drops()]:
            try:
                self._take_in(root, "" if root == self.source else root.name)
            except DeepfuseError as error:
                if root == self.source:
                    self.problem = str(error)

    def _take_in(self, folder: Path, prefix: str) -> list[str]:
        def counted(paths: Sequence[Path]) -> Any:
            for path in paths:
                self.looked_at += 1
                yield path

        return self.sets.add(find_brackets(folder, progress=counted), prefix)

    def set_of(self, scene: str) -> PhotoSet:
        """A set by its id.

        Raises:
            NotFoundError: there is none.
        """
        try:
            return self.sets.get(scene)
        except KeyError:
            raise NotFoundError(f"{printable(scene)}: there is no such set") from None

    def photo(self, photo: str) -> Path:
        """A photo's file.

        Raises:
            NotFoundError: no open folder has it.
        """
        try:
            return self.sets.path(photo)
        except KeyError:
            raise NotFoundError(f"{printable(photo)}: there is no such photo") from None

    def job(self, scene: str, *, force: bool = False) -> Job:
        """How a set's picture is made now."""
        return self.jobs.of(self.set_of(scene), force=force)

    def look(self, scene: str, choice: dict[str, Any], *, whole: bool) -> tuple[bytes, Any]:
        """The picture as it would be, as JPEG, and its record."""
        model = self.model.current()
        frames, options = self._asked(scene, choice)
        return self._looks.ask(desk.fused, frames, options, model.folder, model.name, _side(whole))

    def exposure(self, scene: str, choice: dict[str, Any], index: int, *, whole: bool) -> bytes:
        """One frame as the picture is laid and cropped, as JPEG."""
        try:
            return self._looks.ask(desk.exposure, *self._asked(scene, choice), index, _side(whole))
        except IndexError:
            raise NotFoundError(f"{printable(scene)}: frame {index} is not in the picture") from None

    def moved(self, scene: str, choice: dict[str, Any], *, whole: bool) -> bytes:
        """What moved, as PNG."""
        return self._looks.ask(desk.moved, *self._asked(scene, choice), _side(whole))

    def thumbnail(self, path: Path) -> bytes:
        """A photo or a picture as a small JPEG."""
        return self._thumbnails.ask(thumbnail, path)

    def _asked(self, scene: str, choice: dict[str, Any]) -> tuple[desk.Stamp, FuseOptions]:
        one = self._readable(scene)
        options = replace(chosen(self.options, choice), score=False)
        try:
            return desk.stamp(one.files), options
        except OSError as error:
            raise PhotoError(f"{printable(scene)}: a frame is gone: {error}") from error

    def _readable(self, scene: str) -> PhotoSet:
        one = self.set_of(scene)
        if one.unreadable:
            raise PhotoError(one.unreadable)
        return one

    def save(self, scene: str, *, force: bool) -> None:
        """Have a set's picture made next.

        Raises:
            PhotoError: a photo that belongs to it cannot be read.
        """
        self._readable(scene)
        self.work.add([self.job(scene, force=force)], first=True)

    def save_all(self, scenes: Sequence[str] | None = None) -> int:
        """Have the pictures of all sets made, or of these, but for those that are there; returns how many.

        Sets with a photo that cannot be read are none of them.
        """
        sets = self.sets.all() if scenes is None else [self.set_of(scene) for scene in scenes]
        jobs = [job for job in (self.job(one.scene) for one in sets if not one.unreadable) if not job.finished]
        self.work.add(jobs)
        return len(jobs)

    def take_in(self, drop: str) -> list[str]:
        """Find the sets among the photos of a drop; returns their ids.

        Raises:
            NotFoundError: nothing was dropped there.
            BracketError: there is none among them.
        """
        dropped = self.dropped.drop(drop)
        if not dropped.is_dir():
            raise NotFoundError(f"{printable(drop)}: nothing was dropped there")
        with self._lock:
            scenes = self._take_in(dropped, dropped.name)
        if not scenes:
            why = "; ".join(
                f"{path.name}: {why}" for path, why in self.sets.left_out().items() if dropped in path.parents
            )
            raise BracketError(f"no bracket among the dropped files: {printable(why)}")
        return scenes

    def begin(self, name: str, files: Sequence[Path], choice: dict[str, Any]) -> str:
        """Have photos as one set, whatever grouping says of them, and its picture made; returns its id.

        Raises:
            LookError: the choice is none.
            BracketError: fewer than two files.
        """
        chosen(self.options, choice)
        scene = self.sets.put_together(name, files)
        self.jobs.choose([scene], choice)
        self.save(scene, force=False)
        return scene

    def inside(self, name: str) -> Path:
        """A photo of the open folder by its path below it.

        Raises:
            NotFoundError: it is none, or leads outside.
        """
        root = self.source
        if root is None or not (path := root / name).resolve().is_relative_to(root.resolve()) or not path.is_file():
            raise NotFoundError(f"{printable(name)}: there is no such photo in the open folder")
        return path

    def photos(self, one: PhotoSet) -> list[dict[str, str]]:
        """The frames of a set for a page: what stands for each, and its name."""
        return [{"id": photo_id(path), "name": printable(path.name)} for path in one.files]


def _side(whole: bool) -> int | None:
    return None if whole else desk.SIDE_PX
