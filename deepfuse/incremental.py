"""Per-scene results, kept by content: one new scene among ten thousand costs one scene."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deepfuse.bracket import printable
from deepfuse.errors import DeepfuseError
from deepfuse.files import file_digest, json_digest, new_folder, other_file, remove_abandoned, write_text
from deepfuse.imports import code_of
from deepfuse.links import link_kept
from deepfuse.manifest import FILE, Scene, read_manifest, record_of, write_manifest
from deepfuse.notes import DAY_S, state_of_file

CACHE = Path(".deepfuse/cache")
KEPT_S = 30 * 24 * 3600
DIGESTS = "digests"  # the results of no stage: hashes of its inputs
SCENE = "scene"  # in a scene's folder of results, its files
_OF_SCENE = f"{SCENE}/"
SIZES = "sizes"  # in every folder of results, what it holds: no power failure cuts a file short unseen


@dataclass(frozen=True)
class SceneCache:
    """The private cache of one stage, or of another that asks for the same results again.

    A result is keyed by what the code does, the parameters and the library versions it uses and the content of its
    inputs; it is complete or not there, and made again where it is damaged. A remark in the code costs no scene.
    """

    stage: str
    base_key: str

    def scene(self, scene: str, inputs: Any, out: Path, make: Callable[[Path], Scene]) -> Scene:
        """Put a scene's files into the folder `out`, made by `make` or taken from the cache.

        Args:
            scene: the scene's id.
            inputs: what identifies its input, as JSON values.
            out: where its files go; none is put there if the scene is refused.
            make: writes them into the folder it is given, by the names that they have in `out`, or raises DeepfuseError
                with the reason to refuse the scene.

        Returns:
            The scene's record. A refusal is not kept: its cause may be gone the next time.
        """

        def make_with_record(folder: Path) -> None:
            (folder / SCENE).mkdir()
            record = make(folder / SCENE)
            sha256 = file_digest(record.file(folder / SCENE))
            write_manifest(folder, [replace(record, sha256=sha256)])

        try:
            entry = self.folder([scene, inputs], make_with_record)
        except DeepfuseError as error:
            return Scene(scene, reason=printable(str(error)))
        return _put(entry, _files(entry), out)

    def kept_scene(self, scene: str, inputs: Any, out: Path) -> Scene | None:
        """Put a scene's files into the folder `out` as `scene` does, if an earlier run made them."""
        entry = self._entry([scene, inputs])
        files = _whole(entry)
        return None if files is None else _put(entry, files, out)

    def folder(self, inputs: Any, make: Callable[[Path], None]) -> Path:
        """The complete folder that `make` fills for these inputs; made once, and again where a file was cut short."""
        entry = self._entry(inputs)
        if _whole(entry) is None:
            shutil.rmtree(entry, ignore_errors=True)
            with new_folder(entry) as temporary:
                make(temporary)
                write_text(temporary / SIZES, json.dumps(_files(temporary)))
        os.utime(entry)
        return entry

    def value(self, inputs: Any, make: Callable[[], Any]) -> Any:
        """The JSON value that `make` returns for these inputs; made once, and again where what is kept is damaged."""
        if (kept := self.kept_value(inputs)) is not None:
            return kept
        entry, value = self._value_file(inputs), make()
        entry.parent.mkdir(parents=True, exist_ok=True)
        write_text(entry, json.dumps([json_digest(value), value]))
        return value

    def kept_value(self, inputs: Any) -> Any:
        """The JSON value that an earlier run made for these inputs; `None` where it is not there, or damaged."""
        entry = self._value_file(inputs)
        try:
            digest, value = json.loads(entry.read_bytes())
            if digest == json_digest(value):
                os.utime(entry)
                return value
        except (OSError, ValueError, TypeError):
            pass
        return None

    def _value_file(self, inputs: Any) -> Path:
        return self._entry(inputs, ".json")

    def _entry(self, inputs: Any, suffix: str = "") -> Path:
        key = json_digest([self.base_key, inputs])
        return Path(f"{CACHE}/{self.stage}/{key[:2]}/{key}{suffix}")

    def tidy(self, *outs: Path, unused_since: float | None = None) -> None:
        """Forget results that no run has used for 30 days, and what killed workers left here and in `outs`.

        Args:
            outs: folders of complete results.
            unused_since: another time than 30 days ago, in seconds as `time.time` has them.
        """
        month_ago = time.time() - KEPT_S
        _forget(self.stage, month_ago if unused_since is None else unused_since)
        _forget_digests(month_ago)
        for out in outs:
            remove_abandoned(out)


def _forget_digests(unused_since: float) -> None:
    """Once a day: every stage would look at those of all. The folder has the time of the last time for its own."""
    folder, now = CACHE / DIGESTS, time.time()
    if folder.exists() and now - folder.stat().st_mtime > DAY_S:
        _forget(DIGESTS, unused_since)
        os.utime(folder, (now, now))


def _forget(stage: str, unused_since: float) -> None:
    for folder in (CACHE / stage).glob("*"):
        remove_abandoned(folder)
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.stat().st_mtime < unused_since:
                    shutil.rmtree(entry, ignore_errors=True) if entry.is_dir() else Path(entry).unlink(missing_ok=True)


def scene_cache(stage: str, params: Mapping[str, Any], libraries: Mapping[str, str]) -> SceneCache:
    """The cache of a stage for today's code, these parameters and these library versions."""
    return SceneCache(stage, json_digest([code_of(stage), params, libraries]))


def content(scene: Scene, folder: Path) -> Any:
    """What identifies a scene in `folder`: its record, the SHA-256 of its file in it.

    Raises:
        DeepfuseError: its file is another.
    """
    check_file(scene, folder)
    return record_of(scene)


def known_content(scene: Scene, folder: Path) -> Any:
    """As `content`, where its file need not be read for it; else `None`."""
    return record_of(scene) if known_digests([scene.file(folder)], linked=True) == [scene.sha256] else None


def check_file(scene: Scene, folder: Path) -> None:
    """See that a scene's file is the one that the manifest names, for DVC looks at nothing else of `folder`.

    Raises:
        DeepfuseError: it is another.
    """
    if digests([scene.file(folder)], linked=True) != [scene.sha256]:
        raise DeepfuseError(other_file(scene.file(folder), folder / FILE))


def digests(paths: Sequence[Path], *, linked: bool = False) -> list[str]:
    """The SHA-256 of files that belong together; none is read again that is as it was.

    Args:
        paths: the files.
        linked: whether they are a stage's, which takes their links away and puts them back: the time of the last change
            of a file's record tells nothing then.

    Raises:
        OSError: one of them cannot be read.
    """

    def read() -> list[str]:
        return [file_digest(path) for path in paths]

    state = _state(paths, linked)
    found: list[str] = SceneCache(DIGESTS, "").value(state, read) if state else read()
    return found


def known_digests(paths: Sequence[Path], *, linked: bool = False) -> list[str] | None:
    """As `digests`, where none of the files is to be read; else `None`."""
    try:
        state = _state(paths, linked)
    except OSError:
        return None
    found: list[str] | None = SceneCache(DIGESTS, "").kept_value(state) if state else None
    return found


def _state(paths: Sequence[Path], linked: bool) -> list[Any] | None:
    """What stands for files as they are; `None` where one may change again and look the same."""
    states = [state_of_file(path, linked=linked) for path in paths]
    return None if None in states else [[str(path) for path in paths], states]


def _files(folder: Path) -> dict[str, int]:
    """The path below a folder and the size in bytes of every file in it, but of the one that holds these."""
    found, folders = {}, [""]
    for below in folders:  # which grows
        with os.scandir(f"{folder}/{below}") as entries:
            for one in entries:
                name = f"{below}{one.name}"
                if one.is_dir(follow_symlinks=False):
                    folders.append(f"{name}/")
                elif one.is_file() and name != SIZES:
                    found[name] = one.stat().st_size
    return found


def _whole(entry: Path) -> dict[str, int] | None:
    """The files of a complete folder of results, as `_files` has them; `None` of any other."""
    try:
        expected = json.loads(Path(f"{entry}/{SIZES}").read_bytes())
        if (found := _files(entry)) != expected:  # a process may have been killed as it took over DVC's file
            for folder in (entry, *filter(Path.is_dir, entry.rglob("*"))):
                remove_abandoned(folder)
            found = _files(entry)
    except (OSError, ValueError):
        return None
    return found if found == expected else None


def _put(entry: Path, files: Iterable[str], out: Path) -> Scene:
    """Put the files of a scene's entry into `out`; its record."""
    os.utime(entry)
    for name in files:
        if name.startswith(_OF_SCENE):
            link_kept(f"{entry}/{name}", f"{out}/{name.removeprefix(_OF_SCENE)}")
    return read_manifest(entry)[0]
