"""Which numbers a device multiplies in, and that training follows it where nothing else is said."""

from __future__ import annotations

import pytest
import torch
from support.projects import ROOT

from deepfuse.model.precision import precision
from deepfuse.params import read_params
from deepfuse.stages.train import chosen_precision

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize(
    ("has", "expected"),
    [
        ({"avx512_bf16": True, "amx_bf16": False}, torch.bfloat16),
        ({"avx512_bf16": False, "amx_bf16": True}, torch.bfloat16),
        ({"avx512_bf16": False, "amx_bf16": False}, torch.float32),
        ({"neon": True}, torch.float32),
    ],
)
def test_a_processor_is_asked(monkeypatch: pytest.MonkeyPatch, has: dict[str, bool], expected: torch.dtype) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has)
    assert precision(CPU) == expected


@pytest.mark.parametrize("native", [True, False])
def test_a_card_is_asked_for_more_than_emulation(monkeypatch: pytest.MonkeyPatch, native: bool) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": not native})
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native or including_emulation)
    assert (precision(CUDA) == torch.bfloat16) is native


@pytest.mark.parametrize(
    ("said", "has", "expected"),
    [("auto", True, "bf16"), ("auto", False, "float32"), ("bf16", False, "bf16"), ("float32", True, "float32")],
)
def test_training_follows_params_and_then_the_device(
    monkeypatch: pytest.MonkeyPatch, said: str, has: bool, expected: str
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": has})
    params = read_params(ROOT / "params.yaml")
    params = params.model_copy(update={"train": params.train.model_copy(update={"precision": said})})
    assert chosen_precision(params, CPU) == expected
