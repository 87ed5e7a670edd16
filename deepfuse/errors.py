"""What can go wrong, as one tree.

DeepfuseError
├── PhotoError       a photo file cannot be read or written
├── BracketError     these frames are not a bracket of one scene
├── AlignmentError   the frames cannot be registered surely
└── ModelError       a model cannot be loaded, or is not what it says
"""


class DeepfuseError(Exception):
    """Base of every error that is the input's fault, not the program's."""


class PhotoError(DeepfuseError):
    """A photo file cannot be read or written; the message names the file."""


class BracketError(DeepfuseError):
    """The frames do not form a bracket: too few, or of different sizes."""


class ModelError(DeepfuseError):
    """A model cannot be loaded, or its files disagree with its configuration."""
