"""A result that is kept, linked to where an output is wanted: one file here, there and in DVC's cache."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from deepfuse.files import file_digest, link, replacing

DVC_FILES = Path(".dvc/cache/files/md5")


def link_kept(made: str, target: str) -> None:
    """Link a result that is kept to where an output is wanted.

    Where `made` has no other name, DVC may have its content as another file: it is made again after a change of the
    code, or another scene has the same. DVC would put its own in the place of `target` after each run, and read what
    it finds there after the next; so its own takes the place of `made`, once and if it is whole. Where DVC is told to
    keep its cache elsewhere, nothing is taken over.

    Args:
        made: a file that nothing is written into.
        target: where it is wanted.
    """
    if os.lstat(made).st_nlink == 1 and DVC_FILES.is_dir():
        _take_over(Path(made))
    link(made, target)


def _take_over(made: Path) -> None:
    with suppress(OSError), replacing(made) as temporary:  # DVC has it not
        os.link(made, temporary)  # where no link can be, nothing is read
        md5 = file_digest(made, "md5")
        theirs = DVC_FILES / md5[:2] / md5[2:]
        if file_digest(theirs, "md5") == md5:
            temporary.unlink()
            os.link(theirs, temporary)
