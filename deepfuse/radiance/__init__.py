"""Aligned frames → the light of the scene itself: merged radiance, its files, and the gain map of an Ultra HDR JPEG."""

from deepfuse.radiance.files import RADIANCE_SUFFIXES, radiance_bytes, require_writer, write_radiance
from deepfuse.radiance.gain_map import GainMap, gain_map_of, hdr_picture, pq_picture
from deepfuse.radiance.merge import Radiance, RadianceError, merge_radiance
from deepfuse.radiance.ultra_hdr import ultra_hdr_jpeg

__all__ = [
    "RADIANCE_SUFFIXES",
    "GainMap",
    "Radiance",
    "RadianceError",
    "gain_map_of",
    "hdr_picture",
    "merge_radiance",
    "pq_picture",
    "radiance_bytes",
    "require_writer",
    "ultra_hdr_jpeg",
    "write_radiance",
]
