"""Pictures on the page are called as a batch called them, and sets that it made are done."""

from __future__ import annotations

import io
import shutil
import zipfile
from pathlib import Path

from fastapi.testclient import TestClient
from support.batches import shoot

from deepfuse.batch import read_format
from deepfuse.cli import main
from deepfuse.job.options import FuseOptions
from deepfuse.web.app import create_app
from deepfuse.web.studio import Studio


def test_what_a_named_batch_made_is_done(folder: Path, tmp_path: Path) -> None:
    card, out = tmp_path / "card", tmp_path / "out"
    shutil.copytree(folder, card)
    assert main(["batch", str(card), "-o", str(out), "--tree", "--name", "{stem}_fused", "--format", "png"]) == 0
    shoot(card / "dune", 4)
    assert read_format(out) == "png"
    studio = Studio(card, out, model=None, options=FuseOptions(score=False), format="png", jobs=1)
    studio.scanning.join(60)
    try:
        client = TestClient(create_app(studio, 8000))
        seen = {one["id"]: (one["status"], one["picture"]) for one in client.get("/api/overview").json()["sets"]}
        assert seen == {
            "barn": ("done", "barn/0_fused.png"),
            "cave": ("done", "cave/0_fused.png"),
            "dune": ("new", ""),
        }
        assert studio.job("dune").output == out / "dune/0_fused.png"
        with zipfile.ZipFile(io.BytesIO(client.get("/api/pictures.zip").content)) as archive:
            assert archive.namelist() == ["barn/0_fused.png", "cave/0_fused.png"]
        for path in shoot(tmp_path / "eel", 5):
            client.put(f"/api/dropped/drop/{path.name}", content=path.read_bytes())
        assert client.post("/api/dropped/drop").json() == {"sets": ["drop"]}
        assert studio.job("drop").output == out / "0_fused.png"
    finally:
        studio.close()


def test_a_folder_without_pictures_has_no_format(tmp_path: Path) -> None:
    assert read_format(tmp_path) is None
