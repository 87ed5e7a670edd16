"""Where a batch may write: anywhere but into the folder of the photos itself; a folder in that is searched no more."""

from __future__ import annotations

from pathlib import Path

from deepfuse.batch.record import FOLDER, read_record
from deepfuse.bracket import printable
from deepfuse.errors import DeepfuseError, PhotoError
from deepfuse.grouping.shots import NOT_SEARCHED, walk


def check_place(source: Path, output: Path) -> None:
    """Make sure that pictures of brackets in `source` may go to `output`.

    Raises:
        PhotoError: the two are one, or `output` lies in `source` and holds photos that no batch made: they would never
            be found again.
    """
    if output.resolve() == source.resolve():
        name = printable(str(output))
        raise PhotoError(f"{name}: expected another folder than that of the photos; {name}/fused, in it, will do")
    if not _inside(source, output) or (output / NOT_SEARCHED).exists():
        return
    ours = _made(output)
    photos = (file.relative_to(output) for _, files in walk(output) for file in files)
    if (strange := next((file for file in photos if printable(file.as_posix()) not in ours), None)) is not None:
        raise PhotoError(
            f"{printable(str(output))}: expected a folder in {printable(str(source))} with no photo of its own, for it "
            f"is searched no more, got {printable(str(strange))}"
        )


def leave_unsearched(source: Path, output: Path) -> None:
    """See to it that no search below `source` takes pictures in `output` for photos; nothing where it is elsewhere."""
    if output.is_dir() and _inside(source, output):
        own = own_folder(output)
        own.mkdir(exist_ok=True)
        (own / NOT_SEARCHED.name).touch()


def own_folder(output: Path) -> Path:
    """Where a batch keeps what is its own.

    Raises:
        DeepfuseError: it is a link.
    """
    return not_linked(output / FOLDER)


def not_linked(path: Path) -> Path:
    """The same path.

    Raises:
        DeepfuseError: it is a link.
    """
    if path.is_symlink():
        raise DeepfuseError(f"{path}: expected what an earlier batch made, got a link, which is not followed")
    return path


def _inside(source: Path, output: Path) -> bool:
    """Whether one is found in the other, be it by a link."""
    return output.resolve().is_relative_to(source.resolve()) or output.absolute().is_relative_to(source.absolute())


def _made(output: Path) -> set[str]:
    records = filter(None, map(read_record, (output / FOLDER).glob("*.json")))
    return {one.file for record in records for one in (*record.made, *record.earlier)}
