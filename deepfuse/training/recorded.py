"""What a CUDA device does with a batch, recorded once for each kind of batch and played from then on."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from deepfuse.model.quality import Quality
from deepfuse.training.loader import Batch
from deepfuse.training.team import Team

Work = Callable[[Batch, Quality], Sequence[Tensor | None]]
"""Tensors found from a batch and from weights, which stay where they lie."""
Kind = tuple[torch.Size, Quality]

_log = logging.getLogger(__name__)
REHEARSALS = 1  # of each kind: what libraries set up at their first calls cannot be recorded


@dataclass(frozen=True)
class Recording:
    """Work on a batch that lies at one place, and where its results lie."""

    batch: Batch
    results: Sequence[Tensor | None]
    play: Callable[[], None]


class Recorder:
    """A stream of its own, as CUDA wants it for recordings, and memory that they share: one plays at a time."""

    def __init__(self, device: torch.device) -> None:
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call] # torch declares no types here
        self._memory = torch.cuda.graph_pool_handle()

    def rehearse(self, work: Work, batch: Batch, quality: Quality) -> Sequence[Tensor | None]:
        """Do the work as it will be recorded."""
        outside = torch.cuda.current_stream(self._stream.device)
        self._stream.wait_stream(outside)
        with torch.cuda.stream(self._stream):
            results = work(batch, quality)
        outside.wait_stream(self._stream)
        return results

    def record(self, work: Work, batch: Batch, quality: Quality) -> Recording:
        """Record the work on a copy of the batch; nothing is done yet.

        Raises:
            RuntimeError: CUDA cannot record it.
        """
        batch = batch._replace(frames=batch.frames.clone(), means=batch.means.clone())
        graph, outside = torch.cuda.CUDAGraph(), torch.cuda.current_stream(self._stream.device)
        chance = torch.cuda.default_generators[outside.device_index]
        before = chance.clone_state()
        try:
            # What other threads of the process ask of CUDA meanwhile, such as NCCL's, is no part of it.
            with torch.cuda.graph(graph, pool=self._memory, stream=self._stream, capture_error_mode="thread_local"):
                results = work(batch, quality)
        except RuntimeError:  # torch leaves the stream, and the generator, which draws nothing more, as while recording
            torch.cuda.set_stream(outside)
            chance.graphsafe_set_state(before)
            raise
        return Recording(batch, results, graph.replay)


class Recorded:
    """Work that is started as a whole: its operations are short, and to start each takes the host longer than to do it.

    The results have the same bits, and are overwritten by those of the next batch of their kind.

    Args:
        work: what to do, the same operations for every batch of a kind, without a wait for the device.
        recorder: where it is done until it is recorded, and what records it.
    """

    def __init__(self, work: Work, recorder: Recorder) -> None:
        self._work, self._recorder = work, recorder
        self._seen: Counter[Kind] = Counter()
        self._recordings: dict[Kind, Recording] = {}
        self._recordable = True

    def __call__(self, batch: Batch, quality: Quality) -> Sequence[Tensor | None]:
        """The results for a batch."""
        kind = batch.frames.shape, quality
        self._seen[kind] += 1
        if self._recordable and self._seen[kind] > REHEARSALS and kind not in self._recordings:
            self._record(kind, batch, quality)
        recording = self._recordings.get(kind)
        if recording is None:
            return self._recorder.rehearse(self._work, batch, quality)
        for place, planes in zip(recording.batch[:2], batch[:2], strict=True):
            place.copy_(planes)
        recording.play()
        return recording.results

    def _record(self, kind: Kind, batch: Batch, quality: Quality) -> None:
        try:
            self._recordings[kind] = self._recorder.record(self._work, batch, quality)
        except RuntimeError as error:  # of a network of one's own, say, that asks the device for a number
            _log.warning(
                "training is slower than it could be: CUDA cannot record a step: %s", str(error).split("\n")[0]
            )
            self._recordable = False
            self._recordings.clear()


def recorded(work: Work, device: torch.device, team: Team) -> Work:
    """The work as the device does it fastest; several processes wait for each other in it, which is not recorded."""
    if device.type != "cuda" or team.size > 1:
        return work
    return Recorded(work, Recorder(device))
