"""The model that pictures are made with: one that an alias names changes when the alias moves."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepfuse.errors import ModelError, Unreachable
from deepfuse.model import weights_sha256
from deepfuse.registry import Found, model_folder, versions
from deepfuse.registry.loading import as_version

ASK_AGAIN_S = 10.0
PATIENCE_S = 2.0


@dataclass(frozen=True)
class InUse:
    """A network's folder and name, the SHA-256 of its weights, and its mean MEF-SSIM where the registry has one."""

    folder: Path
    name: str
    sha256: str
    mef_ssim: float | None


class ModelInUse:
    """The model of a page.

    Args:
        source: as `model_folder` takes it.

    Raises:
        ModelError: it is not there, or is not what it says.
        Unreachable: the registry cannot be reached.
    """

    def __init__(self, source: str | None) -> None:
        self._source = source
        self._moves = source is not None and source.startswith("models:/") and "@" in source
        self._stack = ExitStack()
        self._lock = threading.Lock()
        self._current = self._read()
        self._asked_s, self._asking = time.monotonic(), threading.Thread()
        self.problem = ""

    def current(self) -> InUse:
        """The model that counts now; the last one where the registry cannot say, and `problem` says so.

        A registry that is slow to answer is waited for two seconds; what it says later counts from then on.
        """
        with self._lock:
            if self._moves and not self._asking.is_alive() and time.monotonic() - self._asked_s > ASK_AGAIN_S:
                self._asking = threading.Thread(target=self._ask, daemon=True)
                self._asking.start()
                self._asking.join(PATIENCE_S)
            return self._current

    def _ask(self) -> None:
        try:
            if as_version(str(self._source)) != self._current.name:
                self._current = self._read()
            self.problem = ""
        except (ModelError, Unreachable) as error:
            self.problem = str(error)
        self._asked_s = time.monotonic()

    def close(self) -> None:
        """Remove what was downloaded."""
        self._stack.close()

    def _read(self) -> InUse:
        found = self._stack.enter_context(model_folder(self._source))
        return InUse(found.folder, found.name, weights_sha256(found.folder), _score(found))


def _score(found: Found) -> float | None:
    if not found.name.startswith("models:/"):
        return None
    number: Any = found.name.rpartition("/")[2]
    return next((one.metrics.get("mef_ssim") for one in versions() if one.number == number), None)
