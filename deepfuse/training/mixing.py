"""Earlier patches among those to learn from, so that a network that goes on learning forgets nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import numpy as np

from deepfuse.training.loader import Batch, Loader

PASS_STRIDE = 7_000_003  # between the seeds of two passes over the earlier patches within one epoch


@dataclass(frozen=True)
class Mixture:
    """The batches of one pass over `own`, and among them so many of `earlier` that those are `share` of all.

    Where `earlier` has fewer, it is passed over again, in another order.
    """

    own: Loader
    earlier: Loader
    share: float

    def __len__(self) -> int:
        return len(self.own) + self._earlier_count

    @property
    def _earlier_count(self) -> int:
        return round(len(self.own) * self.share / (1 - self.share)) if len(self.earlier) else 0

    def batches(self, seed: int) -> Iterator[Batch]:
        """One pass; the seed fixes the order."""
        if not self._earlier_count:
            yield from self.own.batches(seed)
            return
        own, earlier = self.own.batches(seed), self._earlier(seed)
        for is_own in np.random.default_rng([seed, 1]).permutation(np.arange(len(self)) < len(self.own)):
            yield next(own if is_own else earlier)

    def _earlier(self, seed: int) -> Iterator[Batch]:
        for turn in count():
            yield from self.earlier.batches(seed + PASS_STRIDE * turn)
