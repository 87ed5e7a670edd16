"""The networks by name."""

from __future__ import annotations

from deepfuse.errors import ModelError
from deepfuse.model.network import Network
from deepfuse.model.paper import PaperNet
from deepfuse.model.pyramid import PyramidNet

NETWORKS: dict[str, type[Network]] = {
    network.arch: network
    for network in (
        PaperNet,
        PyramidNet,
    )
}


def build_model(arch: str) -> Network:
    """A network of that architecture with fresh weights from torch's random generator.

    Raises:
        ModelError: an unknown architecture.

    >>> import torch
    >>> frames = torch.tensor([0.2, 0.6]).view(1, 2, 1, 1).expand(1, 2, 64, 64)
    >>> round(float(build_model("pyramid")(frames).detach().mean()), 4)  # fresh, a network averages
    0.4
    """
    if not isinstance(arch, str) or arch not in NETWORKS:
        raise ModelError(f"expected an architecture of {', '.join(NETWORKS)}, got '{arch}'")
    return NETWORKS[arch]()
