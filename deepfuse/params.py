"""`params.yaml` as frozen, checked values: one section per stage, and those that several stages share."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from deepfuse.errors import ParamsError

FILE = Path("params.yaml")
_DISTRIBUTIONS = {"opencv": "opencv-python-headless"}

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]


class Section(BaseModel):
    """A section: every key must be there, no other may, and no type is converted but int to float."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Sample(Section):
    """The embedded sample."""

    scenes: Annotated[int, Field(ge=1, le=99)]
    width: Annotated[int, Field(ge=64)]
    height: Annotated[int, Field(ge=64)]
    seed: int


class IngestLimits(Section):
    """What is refused by its header, and what a worker process may use."""

    megapixels: Positive
    file_gb: Positive
    frames: Annotated[int, Field(ge=2)]
    memory_gb: Positive
    seconds: Positive


class Ingest(Section):
    """Brackets as shot to display-referred frames."""

    source: str
    prefer: Literal["raw", "dng", "tiff", "tif", "png", "heic", "heif", "avif", "webp", "jp2", "jxl", "jpeg", "jpg"]
    frames: Annotated[int, Field(ge=0)]
    limits: IngestLimits
    radiance_stops: Annotated[list[float], Field(min_length=2)]
    radiance_camera: str


class Align(Section):
    """When a registration counts as sure."""

    min_inliers: Count
    min_kept: Share


class Split(Section):
    """Which share of the scenes, by a hash of their id, is kept for validation and for test."""

    val: Share
    test: Share
    salt: str


class Patch(Section):
    """The training patches."""

    size_px: Annotated[int, Field(ge=44)]
    per_scene: Count
    exposures: Annotated[int, Field(ge=2)]
    flat_below: NonNegative
    lost_above: Share


class Replay(Section):
    """The simulated scenes that training mixes in: `stops` are their exposures, from dark to bright."""

    scenes: Count
    width: Annotated[int, Field(ge=64)]
    height: Annotated[int, Field(ge=64)]
    seed: int
    stops: Annotated[list[float], Field(min_length=2)]


class Model(Section):
    """The network."""

    arch: str


class Train(Section):
    """The training.

    `start` is "shipped", "scratch", or whatever else the loop is to put into `data/start`: "champion", or a model as
    `--model` takes it. What starts with weights has `tuning_rate` for its learning rate. `batch_size` is that of all
    `processes` together.
    """

    start: str
    processes: Count
    replay: Annotated[float, Field(ge=0, lt=1)]
    seed: int
    epochs: Count
    patches: Count
    batch_size: Count
    learning_rate: Positive
    tuning_rate: Positive
    loss_scales: Annotated[int, Field(ge=1, le=3)]
    luminance_weight: NonNegative
    halo_weight: NonNegative
    device: Literal["auto", "cpu", "cuda"]
    precision: Literal["auto", "float32", "bf16"]


class Evaluate(Section):
    """The evaluation on whole pictures."""

    exposures: Literal["extremes", "all"]
    scenes: Count
    pictures: Annotated[int, Field(ge=0)]


class Reference(Section):
    """By how much a challenger may be worse on the reference set than the best of champion and shipped weights."""

    max_drop: NonNegative
    max_worse: dict[str, NonNegative]


class Promote(Section):
    """When a challenger becomes champion.

    `max_worse` says by how much what MEF-SSIM is blind to, and the costs, may get worse: `evaluation` knows the names.
    """

    min_scenes: Count
    min_gain: NonNegative
    confidence: Annotated[float, Field(gt=0.5, lt=1)]
    resamples: Annotated[int, Field(ge=100)]
    seed: Annotated[int, Field(ge=0)]
    max_drop: NonNegative
    max_worse: dict[str, NonNegative]
    reference: Reference


class Drift(Section):
    """When what arrived counts as another kind of brackets than what the champion was trained on."""

    bound: Positive
    min_scenes: Annotated[int, Field(ge=2)]


class Libraries(Section):
    """The versions that results depend on; a change re-runs the stages that use them."""

    numpy: str
    opencv: str
    rawpy: str
    pi_heif: str
    pillow: str
    tifffile: str
    imagecodecs: str
    pyarrow: str
    safetensors: str
    torch: str

    def installed(self, *names: str) -> dict[str, str]:
        """The versions of these libraries, after a check that they are the installed ones.

        Raises:
            ParamsError: another version is installed.
        """
        versions = {name: version(_DISTRIBUTIONS.get(name, name)).partition("+")[0] for name in names}
        for name, got in versions.items():
            if got != (expected := getattr(self, name)):
                raise ParamsError(f"libraries.{name}: expected {expected}, got {got} installed: declare the upgrade")
        return versions


class Params(Section):
    """The whole of params.yaml."""

    sample: Sample
    ingest: Ingest
    align: Align
    split: Split
    patch: Patch
    replay: Replay
    model: Model
    train: Train
    evaluate: Evaluate
    promote: Promote
    drift: Drift
    libraries: Libraries


def read_params(path: Path = FILE) -> Params:
    """Read and check params.yaml.

    Raises:
        ParamsError: naming each unknown or missing key and each value of the wrong type or range.
    """
    try:
        return Params.model_validate(read_yaml(path))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}, got {e['input']!r}" for e in error.errors())
        raise ParamsError(f"{path}: {faults}") from error
    except (OSError, YAMLError) as error:
        raise ParamsError(f"{path}: cannot be read: {error}") from error


def read_yaml(path: Path) -> Any:
    """The values in a YAML 1.2 file, the version that DVC reads and writes: 1e-5 is a number in it."""
    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
