"""A camera in software: a map of scene radiance in, a bracket of RAW files out."""

from deepfuse.camera.dng import write_dng
from deepfuse.camera.motion import hand_motion
from deepfuse.camera.radiance import normalise_radiance, read_radiance, write_radiance
from deepfuse.camera.sensor import CAMERAS, Camera, camera_named, expose
from deepfuse.camera.simulation import simulate_bracket

__all__ = [
    "CAMERAS",
    "Camera",
    "camera_named",
    "expose",
    "hand_motion",
    "normalise_radiance",
    "read_radiance",
    "simulate_bracket",
    "write_dng",
    "write_radiance",
]
