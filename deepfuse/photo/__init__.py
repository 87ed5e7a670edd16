"""A photo file, RAW or of another kind (`kinds`) ↔ display-referred pixels, and its exposure."""

from deepfuse.metadata.embedded import NOTHING, Embedded
from deepfuse.metadata.reading import Metadata
from deepfuse.photo.encoding import DEFAULT_ENCODING, Encoding
from deepfuse.photo.header import Depth, Header
from deepfuse.photo.limits import DEFAULT_LIMITS, Limits, check_file
from deepfuse.photo.mosaic import WhiteBalance
from deepfuse.photo.multipage import order_pages, read_pages, writing_pages
from deepfuse.photo.output import check_depth, check_folder, check_output, check_room, written_depth, written_file
from deepfuse.photo.reading import Picture, read_bracket, read_frames, read_header, read_photo, read_photos
from deepfuse.photo.rendering import Rendered, Rendering
from deepfuse.photo.writing import encoded, holds_alpha, in_depth, write_photo

__all__ = [
    "DEFAULT_ENCODING",
    "DEFAULT_LIMITS",
    "NOTHING",
    "Depth",
    "Embedded",
    "Encoding",
    "Header",
    "Limits",
    "Metadata",
    "Picture",
    "Rendered",
    "Rendering",
    "WhiteBalance",
    "check_depth",
    "check_file",
    "check_folder",
    "check_output",
    "check_room",
    "encoded",
    "holds_alpha",
    "in_depth",
    "order_pages",
    "read_bracket",
    "read_frames",
    "read_header",
    "read_pages",
    "read_photo",
    "read_photos",
    "write_photo",
    "writing_pages",
    "written_depth",
    "written_file",
]
