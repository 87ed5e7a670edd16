"""What is kept of a training: its epochs as a table, and after each of them all that it goes on from."""

from __future__ import annotations

import csv
import io
import pickle
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from deepfuse.files import replacing, write_text

HISTORY = "history.csv"


@dataclass(frozen=True)
class Epoch:
    """One line of the history; MEF-SSIM of the first quality at the loss's scales, `None` without validation.

    What the table does not show: the processes that trained it.
    """

    epoch: int
    learning_rate: float
    train_loss: float
    val_mef_ssim: float | None
    processes: int = 1


History = tuple[Epoch, ...]
COLUMNS = ("epoch", "learning_rate", "train_loss", "val_mef_ssim")


def history_csv(history: History) -> str:
    """The history as CSV; an unknown value is an empty cell."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(asdict(epoch) for epoch in history)
    return text.getvalue()


def save(path: Path, state: dict[str, Any], history: History) -> None:
    """Write the history and the state of what has one, the network, the optimizer and such, by name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    saved = {name: part.state_dict() for name, part in state.items()}
    with replacing(path) as temporary:
        torch.save({**saved, "history": [asdict(epoch) for epoch in history]}, temporary)
    show(path, history)


def show(checkpoint: Path, history: History) -> None:
    """Write the table beside the checkpoint, for whoever looks on."""
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    write_text(checkpoint.with_name(HISTORY), history_csv(history))


def restore(path: Path, state: dict[str, Any]) -> History:
    """Put what `save` wrote back into the state; the history, empty where nothing or damaged is there."""
    if not path.exists():
        return ()
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        print(f"{path}: damaged, training starts again: {error}")
        return ()
    for name, part in state.items():
        part.load_state_dict(saved[name])
    return tuple(Epoch(**epoch) for epoch in saved["history"])
