"""Steps that are recorded once for each kind of batch, and played from then on."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from support import teams
from torch import Tensor

from deepfuse.model import build_model
from deepfuse.model.quality import Quality
from deepfuse.training import fit as fitting
from deepfuse.training.loader import Batch
from deepfuse.training.recorded import REHEARSALS, Kind, Recorded, Recorder, Recording, Work, recorded
from deepfuse.training.team import ALONE


class Repeating(Recorder):
    """Records as CUDA does, on the processor: what is played reads one place and writes to one place."""

    def __init__(self) -> None:
        self.kinds: list[Kind] = []

    def rehearse(self, work: Work, batch: Batch, quality: Quality) -> Sequence[Tensor | None]:
        return work(batch, quality)

    def record(self, work: Work, batch: Batch, quality: Quality) -> Recording:
        self.kinds.append((batch.frames.shape, quality))
        own = batch._replace(frames=batch.frames.clone(), means=batch.means.clone())
        results = [None if found is None else torch.full_like(found, torch.nan) for found in work(own, quality)]

        def play() -> None:
            for place, found in zip(results, work(own, quality), strict=True):
                if place is not None and found is not None:
                    place.copy_(found)

        return Recording(own, results, play)


class Unable(Repeating):
    def record(self, work: Work, batch: Batch, quality: Quality) -> Recording:
        raise RuntimeError("not permitted when stream is capturing")


def trained(folder: Path, name: str) -> dict[str, Tensor]:
    teams.train(folder, name)
    weights: dict[str, Tensor] = torch.load(folder / f"{name}.after", weights_only=False)["weights"]
    return weights


def test_a_recorded_training_ends_with_the_weights_of_a_plain_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    teams.write_sets(tmp_path, 48)
    plain, recorders = trained(tmp_path, "plain"), [Repeating(), Repeating()]
    unused = iter(recorders)
    monkeypatch.setattr(fitting, "recorded", lambda work, device, team: Recorded(work, next(unused)))
    played = trained(tmp_path, "played")
    assert all(torch.equal(played[name], plain[name]) for name in plain)
    for recorder in recorders:
        assert recorder.kinds
        assert len(set(recorder.kinds)) == len(recorder.kinds), "once for each kind"
    assert {quality for _, quality in recorders[0].kinds} == {"fast", "best"}


def test_what_cannot_be_recorded_is_computed_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    work = Recorded(lambda batch, quality: [batch.frames.sum()], Unable())
    with caplog.at_level(logging.WARNING):
        found = [float(work(batch_of(level), "fast")[0]) for level in range(REHEARSALS + 3)]
    assert found == [4.0 * level for level in range(REHEARSALS + 3)]
    assert [record.getMessage() for record in caplog.records] == [
        "training is slower than it could be: CUDA cannot record a step: not permitted when stream is capturing"
    ]


def batch_of(level: float) -> Batch:
    return Batch(torch.full((1, 1, 2, 2), level), torch.full((1, 1), level))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_cuda_plays_the_same_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    monkeypatch.setattr(teams, "build_model", lambda arch: build_model(arch).cuda())
    teams.write_sets(tmp_path, 48)
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        played = trained(tmp_path, "played")
        monkeypatch.setattr(fitting, "recorded", lambda work, device, team: work)
        plain = trained(tmp_path, "plain")
    finally:
        torch.use_deterministic_algorithms(False)
    assert all(torch.equal(played[name], plain[name]) for name in plain)


def test_the_processor_starts_each_operation_itself() -> None:
    def work(batch: Batch, quality: Quality) -> list[Tensor | None]:
        return []

    assert recorded(work, torch.device("cpu"), ALONE) is work


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_what_cuda_cannot_record_leaves_the_device_as_it_was() -> None:
    def work(batch: Batch, quality: Quality) -> list[Tensor | None]:
        total = float(batch.frames.sum())  # a question to the device
        return [torch.nn.functional.dropout(batch.frames, 0.5) * total]

    stream, device = torch.cuda.current_stream(), torch.device("cuda")
    step = recorded(work, device, ALONE)
    found = [step(Batch(*(part.to(device) for part in batch_of(1.0)[:2])), "fast")[0] for _ in range(REHEARSALS + 3)]
    assert all(set(result.flatten().tolist()) <= {0.0, 8.0} for result in found if result is not None)
    assert torch.cuda.current_stream() == stream
