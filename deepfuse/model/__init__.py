"""The networks: luma of several exposures in, one luma out; their files."""

from deepfuse.model.files import (
    CONFIG_FILE,
    SHIPPED,
    WEIGHTS_FILE,
    digest_of,
    pick_device,
    read_model,
    read_with_sha256,
    weights_sha256,
    write_model,
)
from deepfuse.model.network import Network
from deepfuse.model.precision import native_precision
from deepfuse.model.quality import Quality
from deepfuse.model.table import NETWORKS, build_model

__all__ = [
    "CONFIG_FILE",
    "NETWORKS",
    "SHIPPED",
    "WEIGHTS_FILE",
    "Network",
    "Quality",
    "build_model",
    "digest_of",
    "native_precision",
    "pick_device",
    "read_model",
    "read_with_sha256",
    "weights_sha256",
    "write_model",
]
