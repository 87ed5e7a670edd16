"""What a server takes of one request and of many at once, all of it set by the environment, checked before decoding."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from deepfuse.errors import DeepfuseError
from deepfuse.photo import Header

PREFIX = "DEEPFUSE_SERVE_"


@dataclass(frozen=True)
class ServingLimits:
    """The most that a server takes; each is set by `DEEPFUSE_SERVE_` and its name in capitals.

    Attributes:
        brackets: of a request.
        exposures: of a bracket.
        megabytes: of a request's photo files together, as files (10⁶ bytes); their text in base64 is a third longer.
        megapixels: of a request's photos together, by their headers: five at 24 megapixels, two at 61.
        at_once: requests that are worked on side by side in one process.
        waiting: requests that wait for their turn; another one is refused at once.
    """

    brackets: int = 8
    exposures: int = 15
    megabytes: int = 150
    megapixels: int = 150
    at_once: int = 1
    waiting: int = 3

    @classmethod
    def from_environment(cls) -> Self:
        """The limits that are set there, and the defaults of the others.

        Raises:
            DeepfuseError: one is set to what is no whole number of 1 or more.

        >>> ServingLimits.from_environment().waiting
        3
        """
        names = {field.name: f"{PREFIX}{field.name.upper()}" for field in fields(cls)}
        return cls(**{name: _whole(variable) for name, variable in names.items() if os.environ.get(variable)})

    def check_request(self, rows: Sequence[Any]) -> None:
        """Refuse a request by the number, kind and length of what is in it.

        Args:
            rows: the exposures of each bracket, which should be texts in base64.

        Raises:
            ValueError: nothing, too much, or something else in it.
        """
        if not 1 <= len(rows) <= self.brackets:
            raise ValueError(f'expected 1 to {self.brackets} rows with "exposures", got {len(rows)}')
        for number, row in enumerate(rows):
            self._check_row(f"row {number}", row)
        size_mb = sum(len(text) for row in rows for text in row) * 3 / 4 / 1e6
        if size_mb > self.megabytes:
            raise ValueError(f"expected photo files of at most {self.megabytes} MB together, got {size_mb:.3g} MB")

    def _check_row(self, name: str, row: Any) -> None:
        if not isinstance(row, list | tuple | np.ndarray) or not all(isinstance(text, str) for text in row):
            raise ValueError(f"{name}: expected exposures as a list of texts in base64, got something else")
        if not 2 <= len(row) <= self.exposures:
            raise ValueError(f"{name}: expected 2 to {self.exposures} exposures, got {len(row)}")

    def check_pixels(self, headers: Iterable[Header]) -> None:
        """Refuse a request by the size of its photos.

        Raises:
            ValueError: they are too large together.
        """
        megapixels = sum(header.width * header.height for header in headers) / 1e6
        if megapixels > self.megapixels:
            limit = f"{self.megapixels} megapixels together"
            raise ValueError(f"expected exposures of at most {limit}, got {megapixels:.3g}")


def _whole(variable: str) -> int:
    text = os.environ[variable]
    if not re.fullmatch(r"[1-9]\d{0,8}", text, re.ASCII):
        raise DeepfuseError(f"{variable}: expected a whole number of 1 or more, got '{text}'")
    return int(text)
