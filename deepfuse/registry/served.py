"""The registered model as MLflow loads and serves it: code that reads safetensors."""

from __future__ import annotations

from pathlib import Path

import mlflow
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from deepfuse.fusion import fuse
from deepfuse.model import read_model


class DeepFuse(PythonModel):
    """Fuses one bracket a call."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the network."""
        self.model = read_model(Path(context.artifacts["model"]))

    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def] # MLflow reads types as a schema
        """The fused picture (H, W, 3) of the exposures (K, H, W, 3), sRGB-encoded, uint8."""
        return fuse(list(model_input), model=self.model)


mlflow.models.set_model(DeepFuse())
