"""What a device multiplies in."""

from __future__ import annotations

import torch


def native_precision(device: torch.device) -> torch.dtype:
    """bfloat16 where the device multiplies in it, else float32."""
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        processor = torch.cpu.get_capabilities()
        native = bool(processor.get("avx512_bf16") or processor.get("amx_bf16"))
    return torch.bfloat16 if native else torch.float32
