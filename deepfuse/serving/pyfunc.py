"""The registered model as MLflow loads and serves it: code that reads safetensors; encoded photos in, PNG out."""

from __future__ import annotations

import base64
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from deepfuse import __version__
from deepfuse.errors import DeepfuseError
from deepfuse.fusion.looks import DEFAULT_LOOK, named_look
from deepfuse.job.fuse import fuse_prepared
from deepfuse.job.options import FuseOptions
from deepfuse.job.prepare import prepare
from deepfuse.job.record import UsedModel
from deepfuse.model import read_with_sha256
from deepfuse.monitoring.pictures import picture_row, served_version
from deepfuse.monitoring.records import Row, keep, records_folder
from deepfuse.photo import read_header, write_photo
from deepfuse.serving.limits import ServingLimits
from deepfuse.serving.meter import started_meter
from deepfuse.serving.refusals import Refused, refusing
from deepfuse.serving.turns import Turns

SUFFIXES = {b"\x89PNG": ".png", b"\xff\xd8\xff": ".jpg", b"II*\0": ".tif", b"MM\0*": ".tif"}
ANSWER_S = "MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT"  # `mlflow models serve --timeout` sets it for its process


class DeepFuse(PythonModel):
    """Fuses one bracket a row."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the network and the limits."""
        self.model, sha256 = read_with_sha256(Path(context.artifacts["model"]))
        self.used = UsedModel("served", sha256)
        self.kept_as = UsedModel(served_version(Path(context.artifacts["model"])), sha256)
        self.limits = ServingLimits.from_environment()
        self.meter = started_meter(self.kept_as)
        answer_s = os.environ.get(ANSWER_S)
        self.turns = Turns(self.limits.at_once, self.limits.waiting, float(answer_s) if answer_s else None)

    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def] # MLflow reads types as a schema
        """The fused pictures, as rows with "fused", PNG in base64 in the depth of the exposures, and their "record".

        Each row of `model_input` has "exposures": two or more PNG, JPEG or TIFF files in base64. `params` are "align"
        and "deghost", both true by default, as `FuseOptions` has them, and "look", the name of one that comes with the
        package: no path is followed that a request names.
        """
        started = time.perf_counter()
        try:
            with refusing():
                return self._answers(model_input, params or {})
        except Refused as refused:
            self._tell(self._refusal(refused.said, time.perf_counter() - started))
            raise

    def _answers(self, model_input: Any, params: dict[str, Any]) -> list[dict[str, Any]]:
        rows = list(model_input["exposures"]) if "exposures" in model_input else []
        self.limits.check_request(rows)
        wanted = _options(**params)
        with self.turns.turn() as deadline, tempfile.TemporaryDirectory() as temporary:
            brackets = [_write(Path(temporary), number, row) for number, row in enumerate(rows)]
            self._check_pixels(brackets)
            answers = []
            for number, files in enumerate(brackets):
                deadline.check()
                answers.append(self._fuse(number, files, wanted))
            return answers

    def _check_pixels(self, brackets: Sequence[Sequence[Path]]) -> None:
        headers = []
        for number, files in enumerate(brackets):
            with _named(number, files[0].parent):
                headers += [read_header(file) for file in files]
        self.limits.check_pixels(headers)

    def _fuse(self, number: int, files: Sequence[Path], wanted: FuseOptions) -> dict[str, Any]:
        out = files[0].with_name("fused.png")
        with _named(number, out.parent):
            bracket = prepare(files, wanted)
            fused = fuse_prepared(bracket, self.model, wanted, suffix=".png", used=self.used)
        write_photo(out, fused.pixels, embedded=fused.embedded, shown=fused.shown)
        if self.meter or records_folder():
            self._tell(picture_row("served", "", self.kept_as, __version__, bracket, fused))
        return {"fused": base64.b64encode(out.read_bytes()).decode(), "record": fused.record.as_json()}

    def _refusal(self, reason: str, seconds: float) -> Row:
        model, sha256 = self.kept_as.name, self.kept_as.sha256
        return Row("served", "refused", "", model, sha256, __version__, seconds=round(seconds, 3), reason=reason)

    def _tell(self, row: Row | None) -> None:
        """Keep a row where rows are kept, and count it for who asks."""
        if row is None:
            return
        keep(row)
        if self.meter:
            self.meter.count(row)


def _options(look: str = DEFAULT_LOOK, **others: bool) -> FuseOptions:
    return FuseOptions(controls=named_look(look), **others)  # type: ignore[arg-type] # the schema has only flags


def _write(temporary: Path, number: int, row: Sequence[str]) -> list[Path]:
    """The encoded files of one bracket, each under the suffix of its kind, in a folder of their own."""
    folder = temporary / str(number)
    folder.mkdir()
    with _named(number, folder):
        return [_write_one(folder / f"exposure {index}", text) for index, text in enumerate(row)]


def _write_one(path: Path, text: str) -> Path:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError(f"{path}: expected base64, got other text") from None
    suffix = next((suffix for start, suffix in SUFFIXES.items() if data.startswith(start)), None)
    if suffix is None:
        raise ValueError(f"{path}: expected a PNG, JPEG or TIFF file, got other content")
    path = path.with_suffix(suffix)
    path.write_bytes(data)
    return path


@contextmanager
def _named(number: int, folder: Path) -> Iterator[None]:
    """Name the row in what is wrong with it, and not the folder on this machine that its files lie in."""
    try:
        yield
    except (DeepfuseError, ValueError, TypeError) as error:
        said = str(error).replace(f"{folder}/", "").replace(str(folder), "its files")
        raise ValueError(f"row {number}: {said}") from error


mlflow.models.set_model(DeepFuse())
