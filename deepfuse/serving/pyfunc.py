"""The registered model as MLflow loads and serves it: code that reads safetensors; encoded photos in, PNG out."""

from __future__ import annotations

import base64
import binascii
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mlflow
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from deepfuse.errors import DeepfuseError, LookError
from deepfuse.fusion.looks import DEFAULT_LOOK, named_look
from deepfuse.job.fuse import fuse_prepared
from deepfuse.job.options import FuseOptions
from deepfuse.job.prepare import prepare
from deepfuse.job.record import UsedModel
from deepfuse.model import read_with_sha256
from deepfuse.photo import write_photo

SUFFIXES = {b"\x89PNG": ".png", b"\xff\xd8\xff": ".jpg", b"II*\0": ".tif", b"MM\0*": ".tif"}


class DeepFuse(PythonModel):
    """Fuses one bracket a row."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the network."""
        self.model, sha256 = read_with_sha256(Path(context.artifacts["model"]))
        self.used = UsedModel("served", sha256)

    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def] # MLflow reads types as a schema
        """The fused pictures, as rows with "fused", PNG in base64 in the depth of the exposures, and their "record".

        Each row of `model_input` has "exposures": two or more PNG, JPEG or TIFF files in base64. `params` are "align"
        and "deghost", both true by default, as `FuseOptions` has them, and "look", the name of one that comes with the
        package: no path is followed that a request names.
        """
        wanted = _options(**(params or {}))
        return [self._row(number, row, wanted) for number, row in enumerate(model_input["exposures"])]

    def _row(self, number: int, exposures: Sequence[str], wanted: FuseOptions) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            try:
                files = [_write(folder / f"exposure {index}", text) for index, text in enumerate(exposures)]
                fused = fuse_prepared(prepare(files, wanted), self.model, wanted, suffix=".png", used=self.used)
            except (DeepfuseError, ValueError, TypeError) as error:
                message = f"row {number}: {error}".replace(f"{folder}/", "")
                raise mlflow.MlflowException.invalid_parameter_value(message) from error
            write_photo(folder / "fused.png", fused.pixels, embedded=fused.embedded, shown=fused.shown)
            picture = base64.b64encode((folder / "fused.png").read_bytes()).decode()
        return {"fused": picture, "record": fused.record.as_json()}


def _options(look: str = DEFAULT_LOOK, **others: bool) -> FuseOptions:
    try:
        return FuseOptions(controls=named_look(look), **others)  # type: ignore[arg-type] # the schema has only flags
    except LookError as error:
        raise mlflow.MlflowException.invalid_parameter_value(str(error)) from error


def _write(path: Path, text: str) -> Path:
    """An encoded file under the suffix of its kind."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"{path}: expected base64, got: {error}") from error
    suffix = next((suffix for start, suffix in SUFFIXES.items() if data.startswith(start)), None)
    if suffix is None:
        raise ValueError(f"{path}: expected a PNG, JPEG or TIFF file, got one that starts with {data[:4]!r}")
    path = path.with_suffix(suffix)
    path.write_bytes(data)
    return path


mlflow.models.set_model(DeepFuse())
