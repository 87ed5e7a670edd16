"""The golden picture: a small pair stored with each model, and what the network made of it when it was published."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from deepfuse.color import Image
from deepfuse.errors import ModelError
from deepfuse.fusion.fuse import fuse
from deepfuse.model import Network, read_model
from deepfuse.photo import read_photo, write_photo

HEIGHT_PX, WIDTH_PX = 96, 128
# Another processor or another build of torch may round the last bits of the luma otherwise.
TOLERANCE_LEVELS = 2
EXPOSURES, FUSED = ("dark.png", "bright.png"), "fused.png"
# What a server is asked, so that the frames are fused unchanged and the picture is as the network makes it.
AS_THEY_ARE = {"align": False, "deghost": False, "look": "neutral"}
AS_SERVED = Path(__file__).parents[1] / "serving" / "as_served.py"
TIMEOUT_S = 600
KEPT = (
    "PATH",
    "LANG",
    "TZ",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "PYTHONPATH",
    "SYSTEMROOT",
    "TMPDIR",
    "TEMP",
    "TMP",
)
KEPT_PREFIXES = ("LC_", "OMP_", "OPENBLAS_", "MKL_", "CUDA_", "NVIDIA_")


def write_golden(folder: Path, model: Network) -> None:
    """Write the pair and the network's picture of it, 8 bits, as PNG."""
    folder.mkdir(parents=True, exist_ok=True)
    pair = golden_pair()
    for name, picture in zip((*EXPOSURES, FUSED), (*pair, fuse(pair, model=model)), strict=True):
        write_photo(folder / name, picture)


def golden_pair() -> list[Image]:
    """A dark and a bright exposure of coloured waves under light that falls off to one side: (96, 128, 3) uint8."""
    y, x = np.mgrid[:HEIGHT_PX, :WIDTH_PX]
    waves = [np.sin(x / period + colour) * np.cos(y / (period + 2) - colour) for colour, period in enumerate((3, 5, 9))]
    radiance = (1.2 + np.stack(waves, -1)) * 2.0 ** np.linspace(-4, 3, WIDTH_PX)[:, None]
    return [np.rint(255 * np.clip(radiance * gain, 0, 1) ** (1 / 2.2)).astype(np.uint8) for gain in (0.1, 2.0)]


def check_golden(name: str, model: Path) -> None:
    """Load a registered model in a fresh process as a server does, with the code it carries, and fuse its golden pair.

    That code is whoever's published it: the process has no secrets in its environment, a home and a working directory
    of its own, and limits of time, memory and the size of files.

    Args:
        name: what errors call it.
        model: its folder, as it comes from the registry.

    Raises:
        ModelError: it cannot be loaded, has weights that are no numbers, or its picture is another one.
    """
    read_model(model / "artifacts" / "model")  # with weights that are no numbers, all pictures would be black alike
    golden = model / "artifacts" / "golden"
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary) / FUSED
        _fuse_as_served(
            name, [model.absolute(), out, *((golden / exposure).absolute() for exposure in EXPOSURES)], out.parent
        )
        expected, got = read_photo(golden / FUSED), read_photo(out)
    difference = np.abs(expected.astype(np.int16) - got).max() if expected.shape == got.shape else np.inf
    if difference > TOLERANCE_LEVELS:
        within = f"its golden picture within {TOLERANCE_LEVELS} grey levels"
        raise ModelError(f"{name}: expected {within}, got {difference} in a fresh process")


def _fuse_as_served(name: str, paths: list[Path], folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-P", *map(str, (AS_SERVED, *paths))],
        cwd=folder,
        env=_environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            _, said = process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            _end(process)
            raise ModelError(f"{name}: cannot be used in a fresh process: it took over {TIMEOUT_S} s") from error
    if process.returncode:
        reason = said.strip().rpartition("\n")[2] or f"exit code {process.returncode}"
        raise ModelError(f"{name}: cannot be used in a fresh process: {reason}")


def _environment(home: Path) -> dict[str, str]:
    """What finds and tunes libraries, of all that this process was given: passwords and keys stay here."""
    kept = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith(KEPT_PREFIXES)}
    return {**kept, "HOME": str(home), "DO_NOT_TRACK": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}


def _end(process: subprocess.Popen[str]) -> None:
    """Kill it with what it started."""
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:  # Windows
        process.kill()
