"""What a device multiplies in."""

from __future__ import annotations

import torch


def native_precision(device: torch.device) -> torch.dtype:
    """bfloat16 where the device multiplies in it faster than in float32, else float32.

    Of processors those with AMX do, and AMD's with AVX-512; Intel's without AMX take 1.7 times as long (measured).
    """
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        processor = torch.cpu.get_capabilities()
        intel = str(processor.get("cpu_name")).startswith("Intel")
        native = bool(processor.get("amx_bf16") or (processor.get("avx512_bf16") and not intel))
    return torch.bfloat16 if native else torch.float32
