"""The golden check: a version is run and promoted only if it is what was published and fuses as it did."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import mlflow
import numpy as np
import pytest
import torch
from support.pictures import random_model
from support.trained_models import publish

from deepfuse import load_model, registry
from deepfuse.errors import ModelError
from deepfuse.model import write_model
from deepfuse.photo import read_photo, write_photo
from deepfuse.registry import artifact, golden

TESTS = Path(__file__).parent
pytestmark = pytest.mark.usefixtures("workplace")


def test_a_bad_model_fails_its_golden_check_and_moves_nothing(tmp_path: Path, database: Path) -> None:
    good, bad = publish(tmp_path, 0), publish(tmp_path, 1)
    mlflow.MlflowClient().set_registered_model_alias("deepfuse", "champion", good)
    stored = Path(mlflow.artifacts.download_artifacts(f"models:/deepfuse/{bad}"))
    picture = read_photo(stored / "artifacts/golden/fused.png")
    write_photo(stored / "artifacts/golden/fused.png", np.where(picture > 200, picture - 9, picture + 9))
    trust(bad, stored)
    with pytest.raises(ModelError, match=r"within 2 grey levels, got 9"):
        registry.promote(bad)
    assert registry.champion_version() == good
    assert "got 9" in (registry.versions()[1].verdict or "")

    (stored / "code/deepfuse/fusion/fuse.py").write_text("raise RuntimeError('the carried code')\n")
    trust(bad, stored)
    with pytest.raises(ModelError, match="the carried code"):
        registry.promote(bad)


def trust(version: str, stored: Path) -> None:
    """Say that a version was published as it is now."""
    mlflow.MlflowClient().set_model_version_tag("deepfuse", version, artifact.FILES_TAG, artifact.files_digest(stored))


def stored_files(version: str) -> Path:
    return Path(mlflow.artifacts.download_artifacts(f"models:/deepfuse/{version}"))


CHANGES: dict[str, Callable[[Path], object]] = {
    "its code": lambda stored: (stored / "code/deepfuse/fusion/fuse.py").open("a").write(SPY),
    "a module more": lambda stored: (stored / "code/sitecustomize.py").write_text(SPY),
    "a name": lambda stored: (stored / "code/deepfuse/color.py").rename(stored / "code/deepfuse/colour.py"),
    "a file less": lambda stored: (stored / "requirements.txt").unlink(),
    "its weights": lambda stored: write_model(random_model(7), stored / "artifacts/model"),
    "a link": lambda stored: (stored / "code/more").symlink_to("/etc"),
}
SPY = "import pathlib\npathlib.Path({place!r}).touch()\n"


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_not_published_is_neither_run_nor_read(
    tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    version = publish(tmp_path)
    place = tmp_path / "it ran"
    with monkeypatch.context() as patch:
        patch.setitem(globals(), "SPY", SPY.format(place=str(place)))
        CHANGES[change](stored_files(version))
    for use in (lambda: registry.promote(version), lambda: load_model(f"models:/deepfuse/{version}")):
        with pytest.raises(ModelError, match=r"not those that were published|cannot be loaded from"):
            use()
    assert not place.exists()
    assert registry.champion_version() is None
    assert "golden check" in (registry.versions()[0].verdict or "")


def test_a_link_has_no_hash(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/file").write_text("a")
    before = artifact.files_digest(tmp_path)
    assert before == artifact.files_digest(tmp_path) != artifact.files_digest(tmp_path / "folder")
    (tmp_path / "folder/more").symlink_to(tmp_path)
    with pytest.raises(ModelError, match="folder/more: expected a file or a folder, got a link"):
        artifact.files_digest(tmp_path)


def test_a_version_without_a_hash_is_not_run_and_published_anew(tmp_path: Path, database: Path) -> None:
    old = publish(tmp_path)
    client = mlflow.MlflowClient()
    digest = client.get_model_version("deepfuse", old).tags[artifact.FILES_TAG]
    client.delete_model_version_tag("deepfuse", old, artifact.FILES_TAG)
    run = client.get_model_version("deepfuse", old).run_id
    client.delete_tag(run, artifact.FILES_TAG)
    with pytest.raises(ModelError, match=f"if you trust what the registry has, set it to {digest}"):
        registry.promote(old)
    load_model(f"models:/deepfuse/{old}")
    assert registry.published_version("key0") is None
    new = publish(tmp_path)
    assert new == registry.published_version("key0") != old
    registry.promote(new)


PRYING = """
import os, resource, sys
from pathlib import Path
found = dict(os.environ)
found["cwd"], found["memory"] = os.getcwd(), resource.getrlimit(resource.RLIMIT_DATA)[0]
Path({out!r}).write_text(repr(found))
"""


def test_the_code_of_a_model_gets_the_least_it_needs(
    tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = publish(tmp_path)
    stored = stored_files(version)
    with (stored / "code/deepfuse/fusion/fuse.py").open("a") as file:
        file.write(PRYING.format(out=str(tmp_path / "found")))
    trust(version, stored)
    for name in ("AWS_SECRET_ACCESS_KEY", "PREFECT_API_AUTH_STRING", "MLFLOW_TRACKING_PASSWORD", "SSH_AUTH_SOCK"):
        monkeypatch.setenv(name, "hush")
    registry.promote(version)
    found = ast.literal_eval((tmp_path / "found").read_text())
    assert "hush" not in found.values()
    assert found["cwd"] == found["HOME"] != str(tmp_path)
    assert found["memory"] == 8 * 10**9


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("x = bytearray(9 * 10**9)", "MemoryError"),
        ("import time; time.sleep(99)", "took over 5 s"),
        ("raise RuntimeError('why')", "RuntimeError: why"),
    ],
)
def test_code_that_takes_too_much_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, reason: str
) -> None:
    golden.write_golden(tmp_path / "artifacts/golden", random_model(0))
    write_model(random_model(0), tmp_path / "artifacts/model")
    script = tmp_path / "script.py"
    script.write_text(f"from deepfuse.serving import as_served\nas_served._limit()\n{code}")
    monkeypatch.setattr(golden, "AS_SERVED", script)
    monkeypatch.setenv("PYTHONPATH", str(TESTS.parents[1]))
    if "sleep" in code:
        monkeypatch.setattr(golden, "TIMEOUT_S", 5)
    with pytest.raises(ModelError, match=reason):
        golden.check_golden("it", tmp_path)


def test_the_golden_check_allows_what_rounding_may_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, model = tmp_path / "artifacts/golden", random_model(0)
    golden.write_golden(folder, model)
    write_model(model, tmp_path / "artifacts/model")
    picture = read_photo(folder / "fused.png")
    assert picture.std() > 20
    for difference, allowed in ((2, True), (3, False)):
        fake = tmp_path / "fake.py"
        write_photo(tmp_path / "other.png", np.where(picture > 99, picture - difference, picture + difference))
        fake.write_text("import shutil, sys; shutil.copy(sys.argv[1] + '/other.png', sys.argv[2])")
        monkeypatch.setattr(golden, "AS_SERVED", fake)
        if allowed:
            golden.check_golden("it", tmp_path)
        else:
            with pytest.raises(ModelError, match="got 3"):
                golden.check_golden("it", tmp_path)
    next(model.parameters())[0] = torch.nan
    write_model(model, tmp_path / "artifacts/model")
    with pytest.raises(ModelError, match="finite"):
        golden.check_golden("it", tmp_path)
