"""What can go wrong, as one tree.

DeepfuseError
├── PhotoError       a photo file cannot be read, or none may be written there
├── BracketError     these frames are not a bracket of one scene
│   └── NoPhotoError        a folder holds none
├── AlignmentError   the frames cannot be registered reliably (deepfuse.alignment)
├── ModelError       a model cannot be loaded, or is not what it says
│   └── NotInstalledError   it is in MLflow, which is not installed
├── LookError        there is no such look, or its file is wrong
├── ConfigError      the user's configuration file is wrong
└── ParamsError      params.yaml is wrong

ConnectionError
└── Unreachable      the registry of models cannot be reached: nobody's fault here, and worth another try
"""


class DeepfuseError(Exception):
    """Base of every error that is the input's fault, not the program's."""


class PhotoError(DeepfuseError):
    """A photo file cannot be read, or none may be written there; the message names the file."""


class BracketError(DeepfuseError):
    """The frames do not form a bracket: too few, or of different sizes."""


class NoPhotoError(BracketError):
    """A folder in which brackets are looked for holds no photo at all."""


class ModelError(DeepfuseError):
    """A model cannot be loaded, or its files disagree with its configuration."""


class NotInstalledError(ModelError):
    """What is asked for needs a package of the loop, which is not installed; the message says how to."""


class LookError(DeepfuseError):
    """There is no such look, or its file has an unknown key, or a value of another type or out of its range."""


class ConfigError(DeepfuseError):
    """The user's configuration file cannot be read, or has an unknown key or a value that its option does not take."""


class ParamsError(DeepfuseError):
    """params.yaml has an unknown key, a missing key or a value of the wrong type."""


class Unreachable(ConnectionError):  # noqa: N818 # registry.Unreachable says it
    """The registry of models cannot be reached; the same call may succeed later."""
