"""Whether the disk has room for what a run writes, seen before it takes anything in."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from deepfuse.errors import DeepfuseError
from deepfuse.params import read_yaml
from flows.pipeline import LOCK, RAW_DVC
from flows.sets import contents

# Bytes that the stages write for each byte of a bracket, where none were recorded yet: of the sample, 1.6 of frames,
# 1.6 of aligned frames and 1.1 of patches. DVC's cache and the folders in data/ share theirs.
GROWTH = 4.3
MADE_ANEW = ("data/patches", "data/model", "data/report")  # whole beside those of before, patches if cut otherwise


def require_space(entries: list[Path]) -> None:
    """Refuse to begin with sets for whose pictures, patches and models there is no room.

    Raises:
        DeepfuseError: how much is needed, and how much is free.
    """
    arriving = sum(map(_size, entries))
    sizes = _recorded_sizes()
    before = read_yaml(RAW_DVC)["outs"][0].get("size", 0) if RAW_DVC.exists() else 0
    growth = sum(sizes.values()) / before if before and sizes else GROWTH
    needed = arriving * (1 + growth) + sum(sizes.get(path, 0) for path in MADE_ANEW)
    free = shutil.disk_usage(Path()).free
    if free < needed:
        raise DeepfuseError(
            f"{Path.cwd()}: expected {_gb(needed)} free for {len(entries)} sets of {_gb(arriving)}, what the stages "
            f"make of them and a new model, got {_gb(free)}; the sets wait in the inbox"
        )


def _recorded_sizes() -> dict[str, int]:
    """The bytes of what each stage but the sample wrote, by its path."""
    stages = read_yaml(LOCK)["stages"] if LOCK.exists() else {}
    outs = [out for name, stage in stages.items() if name != "sample" for out in stage.get("outs", [])]
    return {out["path"]: out.get("size", 0) for out in outs}


def _size(entry: Path) -> int:
    with suppress(OSError):  # of another user: it stays in the inbox
        return sum(found.st_size for found in contents(entry).values())
    return 0


def _gb(size: float) -> str:
    return f"{size / 1e9:.2f} GB"
