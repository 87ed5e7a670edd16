"""The public names: shown, typed, and imported when they are used."""

from __future__ import annotations

import ast
import pydoc
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.projects import ROOT

import deepfuse
from deepfuse.cli import main
from deepfuse.job import prepare as job

PUBLIC = {
    "Controls",
    "FuseOptions",
    "__version__",
    "align",
    "fuse",
    "fuse_files",
    "load_model",
    "mef_ssim",
    "read_look",
    "read_photo",
    "remove_ghosts",
    "write_photo",
}


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_dir_and_help_show_the_public_names() -> None:
    assert set(dir(deepfuse)) == set(deepfuse.__all__) == PUBLIC
    text = pydoc.plain(pydoc.render_doc(deepfuse))
    for name in PUBLIC - {"__version__"}:
        assert f"{name}(" in text
    assert f"VERSION\n    {deepfuse.__version__}" in text
    with pytest.raises(AttributeError, match="'nothing'"):
        deepfuse.nothing  # noqa: B018


def test_type_checkers_see_what_is_imported_at_run_time() -> None:
    tree = ast.parse((ROOT / "deepfuse" / "__init__.py").read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    typed = {alias.name: node.module for node in imports for alias in node.names if node.module.startswith("deepfuse")}
    assert typed == {name: f"deepfuse.{home}" for name, home in deepfuse._HOMES.items()}
    assert set(typed) == PUBLIC - {"__version__"}


def test_to_import_the_package_imports_nothing_else() -> None:
    heavy = "{'numpy', 'torch', 'cv2', 'importlib.metadata'}"
    assert run(f"import sys, deepfuse; print({heavy} & set(sys.modules))") == "set()\n"
    assert run("import sys, deepfuse; deepfuse.read_photo; print('torch' in sys.modules)") == "False\n"


def test_no_public_name_needs_the_loop() -> None:
    absent = ["mlflow", "pydantic", "pyarrow", "prefect", "dvc", "ruamel.yaml"]
    code = f"import sys; sys.modules.update(dict.fromkeys({absent}))\nfrom deepfuse import *\nprint(load_model().arch)"
    assert run(code) == "pyramid\n"


def test_one_call_makes_the_picture_of_the_command(files: list[str], tmp_path: Path) -> None:
    out = tmp_path / "fused.tif"
    assert main(["fuse", *files, "-o", str(out), "--save-masks"]) == 0
    fused = deepfuse.fuse_files(files, options=deepfuse.FuseOptions(save_masks=True))
    assert (fused.pixels == deepfuse.read_photo(out)).all()
    assert fused.record.alignment is not None
    assert len(fused.record.as_json()["alignment"]["homographies"]) == 3
    assert [mask.shape for mask in fused.masks] == [fused.pixels.shape[:2]] * 3
    again = tmp_path / "again.tif"
    deepfuse.write_photo(again, fused.pixels, embedded=fused.embedded)
    assert again.read_bytes() == out.read_bytes()


def test_the_options_and_the_model_of_one_call_count(files: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    options = deepfuse.FuseOptions(align=False, depth="8-bit", controls=deepfuse.Controls(saturation=0), quality="best")
    fused = deepfuse.fuse_files([Path(file) for file in files], model=deepfuse.load_model(), options=options)
    assert fused.pixels.dtype == np.uint8
    assert np.ptp(fused.pixels.astype(int), axis=2).max() <= 1
    assert fused.record.quality == "best"
    assert fused.record.alignment is None
    monkeypatch.setattr(job, "read_frames", None)  # a single file is refused before it is read
    with pytest.raises(ValueError, match="2 or more exposures, got 1"):
        deepfuse.fuse_files(files[:1])
