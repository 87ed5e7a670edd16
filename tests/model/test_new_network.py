"""A network of one's own is one file and one line in the table: then the pipeline trains it and the command fuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.projects import run_dvc, set_params, stages_run

from deepfuse.photo import read_photo

TOY = '''"""A toy: every exposure has a weight by its brightness in the neighbourhood, learned."""

import torch
from torch import Tensor, nn

from deepfuse.model.network import Network
from deepfuse.model.quality import Quality


class ToyNet(Network):
    """One convolution and a softmax over exposures."""

    arch = "toy"
    halo_px = 1

    def __init__(self) -> None:
        super().__init__()
        self.look = nn.Conv2d(1, 1, 3, padding=1, padding_mode="replicate")

    def fuse(self, luma: Tensor, quality: Quality, means: Tensor | None) -> Tensor:
        """(N, K, H, W) → (N, 1, H, W)."""
        n, k, h, w = luma.shape
        preference = self.look(luma.reshape(n * k, 1, h, w)).float().view(n, k, h, w)
        return (torch.softmax(preference, 1) * luma).sum(1, keepdim=True)
'''


@pytest.fixture
def toy_project(project: Path) -> Path:
    model = project / "deepfuse/model"
    (model / "toy.py").write_text(TOY)
    table = (model / "table.py").read_text()
    table = table.replace("        PyramidNet,\n", "        PyramidNet,\n        ToyNet,\n")
    (model / "table.py").write_text(table.replace("NETWORKS: ", "from deepfuse.model.toy import ToyNet\n\nNETWORKS: "))
    set_params(project, {"model": {"arch": "toy"}})
    return project


def test_a_new_network_goes_through_the_pipeline_and_fuses(toy_project: Path) -> None:
    assert stages_run(run_dvc(toy_project, "repro", "evaluate"))[-2:] == ["train", "evaluate"]
    assert json.loads((toy_project / "data/model/config.json").read_text())["arch"] == "toy"
    frames = sorted(map(str, (toy_project / "brackets/cave").glob("*.dng")))
    command = [sys.executable, "-m", "deepfuse.cli", "fuse", *frames, "-o", "toy.png", "--model", "data/model"]
    environment = {**os.environ, "PYTHONPATH": str(toy_project)}
    subprocess.run(command, cwd=toy_project, env=environment, check=True, capture_output=True)
    assert read_photo(toy_project / "toy.png").ndim == 3


def test_an_unknown_network_is_refused_by_its_name(project: Path) -> None:
    set_params(project, {"model": {"arch": "unet"}})
    command = [sys.executable, "-m", "deepfuse.stages.train"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert "expected an architecture of paper, pyramid, got 'unet'" in done.stderr
