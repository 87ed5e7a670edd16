"""A fresh clone becomes a place to work in: its DVC remote, its brackets, and what was made of them."""

from __future__ import annotations

from flows import dvc_cache, pipeline, raw, remote
from flows.background import ServiceError
from flows.inbox import RAW
from flows.lock import only_run
from flows.login import make_private
from flows.pipeline import LOCK, RAW_DVC
from flows.remote_trouble import naming_remote

NAME = "store"


def pull(address: str | None = None) -> None:
    """Bring what the commit of this folder records and the disk lacks; nothing that is there is touched.

    Args:
        address: of a DVC remote to use here from now on; without it, the one that the repository names.

    Raises:
        ServiceError: there is no remote, it cannot be reached, or lacks brackets.
        BracketError: brackets that were recorded are lost.
    """
    make_private()
    try:
        if address:
            pipeline.dvc("remote", "add", "--local", "--default", "--force", NAME, address, show=False)
        if not pipeline.has_remote():
            raise ServiceError(
                "expected a DVC remote that has the brackets, got none: name it by --remote ADDRESS, "
                f"or in the repository by `dvc remote add --default {NAME} ADDRESS`"
            )
        with only_run():
            _pull()
    except RuntimeError as error:
        raise ServiceError(str(error)) from error


def _pull() -> None:
    """The brackets, which must come, and then what `dvc repro` would have to make again."""
    if RAW_DVC.exists() and not RAW.exists():
        with naming_remote():
            pipeline.dvc("fetch", str(RAW_DVC))
            if not dvc_cache.stored(pipeline.raw_md5()).exists():  # which DVC passes over
                raise RuntimeError(f"dvc fetch {RAW_DVC}: expected the list of its files, got none: they are not there")
    raw.restore()
    made = [str(path) for path, _ in remote.tracked() if path != RAW and not path.exists()] if LOCK.exists() else []
    if made:
        with naming_remote():
            pipeline.dvc("pull", "--allow-missing", *made)
