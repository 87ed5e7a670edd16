"""A studio on a folder of two small brackets, and a client of its page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from support.batches import shoot

from deepfuse.job.options import FuseOptions
from deepfuse.web.app import create_app
from deepfuse.web.studio import Studio

PORT = 8000


def open_studio(source: Path | None, output: Path) -> Studio:
    studio = Studio(source, output, model=None, options=FuseOptions(), format="png", jobs=1)
    studio.scanning.join(60)
    return studio


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two brackets and a photo that belongs to none. Not to be changed."""
    folder = tmp_path_factory.mktemp("shot") / "card"
    shoot(folder / "barn", 1)
    shoot(folder / "cave", 2)
    lone = shoot(folder.parent / "other", 3)[0]
    (folder / "lone").mkdir()
    lone.rename(folder / "lone" / "lone.png")
    return folder


@pytest.fixture(scope="module")
def studio(folder: Path) -> Iterator[Studio]:
    """One for all tests of a file: its processes take seconds to start."""
    studio = open_studio(folder, folder.parent / "out")
    yield studio
    studio.close()


@pytest.fixture(scope="module")
def client(studio: Studio) -> TestClient:
    return TestClient(create_app(studio, PORT))
