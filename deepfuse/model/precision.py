"""Which numbers a device multiplies in."""

from __future__ import annotations

import torch


def precision(device: torch.device) -> torch.dtype:
    """bfloat16 where the device has instructions to multiply in it, else float32: emulated, it is slower than float32.

    Of processors these are those with AVX-512 BF16 or AMX, of NVIDIA's cards those from Ampere on.
    """
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        processor = torch.cpu.get_capabilities()
        native = bool(processor.get("avx512_bf16") or processor.get("amx_bf16"))
    return torch.bfloat16 if native else torch.float32
