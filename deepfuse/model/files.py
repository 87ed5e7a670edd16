"""A network's files: weights as safetensors, and what they are as JSON."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import torch
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors

from deepfuse.errors import ModelError
from deepfuse.files import replacing, write_json
from deepfuse.model.network import Network
from deepfuse.model.table import build_model

WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"
SHIPPED = Path(__file__).parents[1] / "weights"


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
    data = _as_file(model)
    with replacing(folder / WEIGHTS_FILE) as temporary:
        temporary.write_bytes(data)
    config = {"arch": model.arch, "arithmetic": model.arithmetic, "sha256": hashlib.sha256(data).hexdigest()}
    write_json(folder / CONFIG_FILE, config)


def read_model(folder: Path, *, device: torch.device | None = None) -> Network:
    """The network of a folder of `write_model`, ready to fuse.

    Args:
        folder: holds `model.safetensors` and `config.json`.
        device: where to put it; `pick_device()` if `None`.

    Raises:
        ModelError: a file is missing, altered, or does not fit its architecture or its arithmetic; or a weight is not
            finite.

    >>> sum(weight.numel() for weight in read_model(SHIPPED).parameters())
    66844
    """
    return read_with_sha256(folder, device=device)[0]


def read_with_sha256(folder: Path, *, device: torch.device | None = None) -> tuple[Network, str]:
    """The same, and the SHA-256 of the weights."""
    arch, arithmetic, data = _read_files(folder)
    model = build_model(arch)
    if arithmetic != model.arithmetic:
        wanted = f"arithmetic {model.arithmetic} of architecture '{arch}', the one that this release computes"
        raise ModelError(f"{folder / CONFIG_FILE}: expected {wanted}, got {arithmetic}")
    try:
        model.load_state_dict(load_safetensors(data))
    except Exception as error:  # safetensors and torch raise kinds of their own
        raise ModelError(f"{folder / WEIGHTS_FILE}: expected weights of architecture '{arch}', got others") from error
    if odd := [name for name, weight in model.state_dict().items() if not torch.isfinite(weight).all()]:
        raise ModelError(f"{folder / WEIGHTS_FILE}: expected finite weights, got others in {odd[0]}")
    model = model.eval().requires_grad_(False).to(device or pick_device())
    return model, hashlib.sha256(data).hexdigest()


def weights_sha256(folder: Path) -> str:
    """The SHA-256 of the weights in a folder of `write_model`, which is checked whole.

    Raises:
        ModelError: as `read_model` does.
    """
    return read_with_sha256(folder, device=torch.device("cpu"))[1]


def digest_of(model: Network) -> str:
    """The SHA-256 of a network's weights, as the file of `write_model` has it."""
    return hashlib.sha256(_as_file(model)).hexdigest()


def _as_file(model: Network) -> bytes:
    return save_safetensors({name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()})


def _read_files(folder: Path) -> tuple[str, object, bytes]:
    """The architecture, its arithmetic, and the weights, which are those that the configuration names.

    Files of before the arithmetic had a version are of the first.
    """
    try:
        config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        data = (folder / WEIGHTS_FILE).read_bytes()
        arch, arithmetic, expected = config["arch"], config.get("arithmetic", 1), config["sha256"]
    except OSError as error:
        names = f"{WEIGHTS_FILE} and {CONFIG_FILE}"
        raise ModelError(f"{folder}: expected {names}, which cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f'{folder / CONFIG_FILE}: expected "arch" and "sha256" in JSON, got something else') from error
    if (got := hashlib.sha256(data).hexdigest()) != expected:
        raise ModelError(f"{folder / WEIGHTS_FILE}: expected sha256 {expected}, got {got}")
    return arch, arithmetic, data
