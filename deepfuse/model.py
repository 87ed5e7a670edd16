"""The DeepFuse network: luma of several exposures in, one luma out; its files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors
from torch import Tensor, nn

from deepfuse.atomic import replacing, write_json
from deepfuse.errors import ModelError

WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"
SHIPPED = Path(__file__).parent / "weights"
LEAK = 0.01


class PaperNet(nn.Module):
    """The network of Prabhakar, Srikar and Babu, "DeepFuse", ICCV 2017, arXiv 1712.07384.

    Two tied convolutions turn each exposure into features, which are added; three more make the fused luma of the
    sum. Where the paper is silent this follows its authors' code: leaky ReLU (0.01) after every layer but the last,
    and zero "same" padding; the weights start so that the output is the plain average, which training improves on. The
    merge of K exposures is their mean times two, which is the paper's sum for K = 2.
    """

    arch = "paper"
    halo_px = 12

    def __init__(self) -> None:
        super().__init__()
        self.c1 = nn.Conv2d(1, 16, 5, padding="same")
        self.c2 = nn.Conv2d(16, 32, 7, padding="same")
        self.c3 = nn.Conv2d(32, 32, 7, padding="same")
        self.c4 = nn.Conv2d(32, 16, 5, padding="same")
        self.c5 = nn.Conv2d(16, 1, 5, padding="same")
        self._start_as_average()

    @torch.no_grad()
    def _start_as_average(self) -> None:
        """Kaiming's noise, but for the first channel, which carries the mean of the exposures to the output."""
        layers = (self.c1, self.c2, self.c3, self.c4, self.c5)
        for layer in layers:
            nn.init.kaiming_normal_(layer.weight, LEAK)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type] # every layer has one
            centre = layer.weight.shape[-1] // 2
            layer.weight[0] = 0
            layer.weight[0, 0, centre, centre] = 0.5 if layer is self.c5 else 1

    def forward(self, luma: Tensor) -> Tensor:
        """Fused luma (N, 1, H, W) of the exposures' luma (N, K, H, W) from 0 to 1, in any order; not clipped."""
        n, k, h, w = luma.shape
        x = luma.reshape(n * k, 1, h, w)  # (N·K, 1, H, W): both towers as one batch
        x = F.leaky_relu(self.c1(x), LEAK)  # (N·K, 16, H, W)
        x = F.leaky_relu(self.c2(x), LEAK)  # (N·K, 32, H, W)
        x = 2 * x.view(n, k, 32, h, w).mean(1)  # (N, 32, H, W)
        x = F.leaky_relu(self.c3(x), LEAK)
        x = F.leaky_relu(self.c4(x), LEAK)  # (N, 16, H, W)
        fused: Tensor = self.c5(x)  # (N, 1, H, W)
        return fused


Network = PaperNet
ARCHITECTURES: dict[str, type[Network]] = {"paper": PaperNet}


def build_model(arch: str) -> Network:
    """A network of that architecture with fresh weights from torch's random generator.

    Raises:
        ModelError: an unknown architecture.
    """
    if arch not in ARCHITECTURES:
        raise ModelError(f"expected an architecture of {', '.join(ARCHITECTURES)}, got '{arch}'")
    return ARCHITECTURES[arch]()


def pick_device(name: str = "auto") -> torch.device:
    """The device called `name`; "auto" is CUDA where there is one.

    Raises:
        ModelError: CUDA is asked for and there is none.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise ModelError("expected a CUDA device, got none")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def write_model(model: Network, folder: Path) -> None:
    """Write the weights as safetensors and what they are as JSON; the same weights give the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    data = save_safetensors(state)
    with replacing(folder / WEIGHTS_FILE) as temporary:
        temporary.write_bytes(data)
    write_json(folder / CONFIG_FILE, {"arch": model.arch, "sha256": hashlib.sha256(data).hexdigest()})


def read_model(folder: Path, *, device: torch.device | None = None) -> Network:
    """The network of a folder of `write_model`, ready to fuse.

    Args:
        folder: holds `model.safetensors` and `config.json`.
        device: where to put it; `pick_device()` if `None`.

    Raises:
        ModelError: a file is missing, altered, or does not fit its architecture.
    """
    try:
        config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        data = (folder / WEIGHTS_FILE).read_bytes()
        arch, expected = config["arch"], config["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{folder}: expected {WEIGHTS_FILE} and {CONFIG_FILE}, got: {error!r}") from error
    if (got := hashlib.sha256(data).hexdigest()) != expected:
        raise ModelError(f"{folder / WEIGHTS_FILE}: expected sha256 {expected}, got {got}")
    model = build_model(arch)
    try:
        model.load_state_dict(load_safetensors(data))
    except Exception as error:  # safetensors and torch raise kinds of their own
        raise ModelError(f"{folder / WEIGHTS_FILE}: does not fit architecture '{arch}': {error}") from error
    return model.eval().requires_grad_(False).to(device or pick_device())
