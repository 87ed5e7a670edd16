"""A version brought back into a folder of its own: from a dirty checkout, whole, checked, and nothing else touched."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import mlflow
import pytest
from support.projects import ROOT, commit_all, run_dvc

from deepfuse import registry
from deepfuse.cli import main
from deepfuse.errors import ModelError
from flows import history, pipeline

PIPELINE = """
stages:
  train:
    cmd: mkdir -p data/model && cp "$WEIGHTS" data/model/weights
    deps: [data/raw]
    outs: [data/model]
  evaluate:
    cmd: cp -r data/model data/report
    deps: [data/model]
    outs: [data/report]
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, empty_registry: Path) -> Path:
    """A checkout with a pipeline of copies, version 1 of it, and after that a user in the middle of something else."""
    place = tmp_path_factory.mktemp("made") / "checkout"
    for folder in ("data/raw/hall", ".dvc/tmp"):
        (place / folder).mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.setenv("WEIGHTS", str(place.parent / "weights"))
        (place.parent / "weights").write_text("learnt")
        for name, text in {"dvc.yaml": PIPELINE, "params.yaml": "{}", "data/raw/hall/dark.tif": "dark"}.items():
            Path(name).write_text(text)
        subprocess.run(["git", "init", "-q"], check=True)
        shutil.copy(ROOT / ".dvc/config", ".dvc")
        run_dvc(place, "add", "data/raw")
        commit_all(place)
        run_dvc(place, "repro", "evaluate")
        commit = history.commit("Retrain")
        shutil.copy(empty_registry, "mlflow.db")
        client = mlflow.MlflowClient("sqlite:///mlflow.db")
        client.create_registered_model("deepfuse")
        tags = {registry.KEY_TAG: pipeline.model_key(), registry.COMMIT_TAG: str(commit)}
        client.create_model_version("deepfuse", "a place", tags=tags)
        Path("params.yaml").write_text("half: written")
        Path("data/raw/hall/bright.tif").write_text("bright")
        run_dvc(place, "add", "data/raw")
    return place


@pytest.fixture
def checkout(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = Path(shutil.copytree(made, tmp_path / "checkout"))
    monkeypatch.chdir(place)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("WEIGHTS", str(tmp_path / "weights"))
    (tmp_path / "weights").write_text("learnt")
    return place


def everything(place: Path) -> dict[Path, bytes | None]:
    left_out = ("tmp", "deepfuse-dvc")
    paths = [path for path in place.rglob("*") if not set(left_out) & set(path.parts[len(place.parts) :])]
    return {path: path.read_bytes() if path.is_file() else None for path in paths}


def test_a_version_comes_back_beside_a_dirty_checkout(
    checkout: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = everything(checkout)
    out = tmp_path / "version 1"
    assert main(["reproduce", "1", str(out), "--train"]) == 0
    assert everything(checkout) == before
    said = capsys.readouterr().out
    assert f"data/model                as recorded, {pipeline.model_key()}" in said
    assert "nobody has it" not in said
    assert "trained anew: the same model" in said
    assert sorted(path.name for path in (out / "data/raw/hall").iterdir()) == ["dark.tif"]
    assert (out / "data/model/weights").read_text() == (out / "data/report/weights").read_text() == "learnt"
    assert (out / "params.yaml").read_text() == "{}"

    assert main(["reproduce", "1", str(out)]) == 4
    assert "expected a new folder" in capsys.readouterr().err
    assert main(["reproduce", "7", str(tmp_path / "seven")]) == 5
    assert "got 7" in capsys.readouterr().err
    assert not (tmp_path / "seven").exists()


def test_to_train_anew_shows_that_another_model_comes_out(checkout: Path, tmp_path: Path) -> None:
    before = everything(checkout)
    (tmp_path / "weights").write_text("luck")
    with pytest.raises(ModelError, match=r"version 1: trained anew: expected the model \w+\.dir, got \w+\.dir"):
        registry.reproduce("1", tmp_path / "other", train=True)
    assert (tmp_path / "other/data/model/weights").read_text() == "luck"
    assert everything(checkout) == before


def stored(checkout: Path, content: str) -> Path:
    [path] = [path for path in (checkout / ".dvc/cache").rglob("*") if path.is_file() and path.read_text() == content]
    return path


def test_what_is_lost_or_another_is_said(checkout: Path, tmp_path: Path) -> None:
    run_dvc(checkout, "remote", "add", "--local", "--default", "store", "../the store, #1")
    subprocess.run(["git", "stash", "-q"], check=True)
    run_dvc(checkout, "push")
    shutil.rmtree(checkout / ".dvc/cache")
    assert registry.reproduce("1", tmp_path / "from the remote").missing == ()
    weights = stored(checkout, "learnt")
    weights.unlink()
    shutil.rmtree(tmp_path / "the store, #1")
    with pytest.raises(ModelError, match="expected data/model to come back, got nothing"):
        registry.reproduce("1", tmp_path / "lost")
    weights.write_text("forged")
    weights.chmod(0o444)
    with pytest.raises(ModelError, match=r"data/(model|report): expected the content \w+\.dir, got"):
        registry.reproduce("1", tmp_path / "forged")
    assert not list(tmp_path.glob("[lf]o*"))


@pytest.mark.parametrize(("commit", "said"), [("", "got none"), ("--upload-pack=x", "'--up"), ("a" * 40, "git fetch")])
def test_a_version_without_a_commit_here_is_refused(checkout: Path, tmp_path: Path, commit: str, said: str) -> None:
    registry.tag_version("1", {registry.COMMIT_TAG: commit})
    with pytest.raises(ModelError, match=f"version 1: expected .*{said}"):
        registry.reproduce("1", tmp_path / "out")
    assert not (tmp_path / "out").exists()
