"""How a network is trained."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """How to train, whatever the number of processes: `batch_size` is of all together.

    `precision` is float32 or bf16: autocast for the network, the loss stays in float32.
    """

    seed: int
    epochs: int
    batch_size: int
    learning_rate: float
    loss_scales: int
    luminance_weight: float
    halo_weight: float
    precision: str
    replay: float = 0.0  # share of the batches that earlier patches have
    patches: int | None = None  # of an epoch at most; of validation a quarter; `None` for all
