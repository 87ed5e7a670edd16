"""A camera in software: a map of scene radiance in, a bracket of RAW files out."""

from deepfuse.simulation.camera.dng import write_dng
from deepfuse.simulation.camera.radiance import normalise_radiance, read_radiance, write_radiance
from deepfuse.simulation.camera.sensor import CAMERAS, Camera, camera_named, expose
from deepfuse.simulation.camera.shake import hand_motion
from deepfuse.simulation.camera.simulation import simulate_bracket

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
