"""A photo file (RAW, TIFF, PNG, JPEG, HEIC) ↔ display-referred pixels, and its exposure."""

from deepfuse.photo.header import Header
from deepfuse.photo.limits import DEFAULT_LIMITS, Limits, check_file
from deepfuse.photo.raw import WhiteBalance
from deepfuse.photo.reading import camera_white_balance, read_bracket, read_header, read_photo, read_photos
from deepfuse.photo.writing import check_output, write_frame, write_photo

__all__ = [
    "DEFAULT_LIMITS",
    "Header",
    "Limits",
    "WhiteBalance",
    "camera_white_balance",
    "check_file",
    "check_output",
    "read_bracket",
    "read_header",
    "read_photo",
    "read_photos",
    "write_frame",
    "write_photo",
]
