"""What made a model is on the remote before the model serves, whatever DVC believes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from support.checkouts import CACHE, REMOTE, drop
from support.projects import run_dvc

from deepfuse import registry
from deepfuse.evaluation import Verdict
from deepfuse.files import write_json
from flows import dvc_cache, pipeline, remote, retrain
from flows.checks_here import check_remote
from flows.remote_trouble import advice


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.usefixtures("in_checkout")
def test_what_the_remote_lost_is_sent_again_and_what_nobody_has_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "FOLDERS", 0)  # these few files are looked for in a list, as many are
    there = files(REMOTE)
    for path in [path for path in there if path.suffix != ".dir"][::3]:
        drop(path)
    assert "up to date" in run_dvc(Path(), "push")
    remote.push()
    assert files(REMOTE) == there
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "ask", lambda *_: pytest.fail("each file was asked for"))
        assert remote.absent() == []
    content = files(CACHE)[0].relative_to(CACHE)
    drop(CACHE / content)
    drop(REMOTE / content)
    with pytest.raises(RuntimeError, match="expected all data on the remote, got 1 files missing there: data/raw/"):
        remote.push()


@pytest.mark.usefixtures("in_checkout")
def test_few_files_are_sent_without_a_walk_through_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "FOLDERS", 0)
    there, asked, dvc = files(REMOTE), [], pipeline.dvc
    for path in [*there[:2], *(path for path in there if path.suffix == ".dir")]:
        drop(path)
    monkeypatch.setattr(pipeline, "dvc", lambda *words, **more: asked.append(words[0]) or dvc(*words, **more))
    remote.push()
    assert files(REMOTE) == there
    assert all(path.read_bytes() == (CACHE / path.relative_to(REMOTE)).read_bytes() for path in there)
    assert "send" in asked
    assert "push" not in asked
    monkeypatch.setattr(remote, "FEW", 0)
    drop(there[0])
    remote.push()
    assert asked[-1] == "list-url"
    assert "push" in asked


@pytest.mark.usefixtures("in_checkout")
def test_the_list_of_a_folder_is_not_sent_before_its_files() -> None:
    listing = next(path for path in files(REMOTE) if path.suffix == ".dir")
    file = next(path for path in files(REMOTE) if path.suffix != ".dir" and path.parent != listing.parent)
    drop(listing)
    for path in files(file.parent):
        drop(path)
    file.parent.rmdir()
    file.parent.write_text("no folder can be here")
    with pytest.raises(RuntimeError, match=r"dvc send .*: expected exit code 0, got 1: ERROR: NotADirectoryError"):
        remote._send({path.parent.name + path.name for path in (listing, file)})
    assert not listing.exists()


def test_the_folder_of_which_a_stage_names_one_file_is_sent_whole(in_folder: None) -> None:
    stages = {
        "ingest": {"deps": [{"path": "brackets"}], "outs": [{"path": "data/frames", "md5": "1.dir"}]},
        "align": {"deps": [{"path": "data/frames/manifest.json"}], "outs": [{"path": "data/aligned", "md5": "2.dir"}]},
        "evaluate": {"deps": [{"path": "data/aligned/manifest.json"}], "outs": [{"path": "data/report", "md5": "3"}]},
    }
    write_json(Path("dvc.lock"), {"stages": stages})
    assert {str(path) for path, _ in remote.tracked()} == {"data/frames", "data/aligned", "data/report"}


@pytest.mark.usefixtures("in_checkout")
def test_a_remote_that_is_away_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: str, **_: str) -> str:
        raise RuntimeError("dvc push: got 1: ERROR: unexpected error - Could not connect to the endpoint URL")

    dvc = pipeline.dvc
    monkeypatch.setattr(pipeline, "dvc", lambda *words, **more: (refuse if words[0] == "push" else dvc)(*words, **more))
    with pytest.raises(RuntimeError, match=r"^DVC remote store: dvc push: .*Could not connect.*; is its server up"):
        remote.push()


@pytest.mark.parametrize(
    ("said", "todo"),
    [
        ("s3 is supported, but requires 'dvc-s3' to be installed", r"; install .* 'deepfuse\[s3\]'"),
        ("An error occurred (NoSuchBucket) when calling", "; make the bucket, or .* dvc remote modify store url"),
        ("Unable to locate credentials", "; set AWS_ACCESS_KEY_ID"),
        ("An error occurred (403) when calling the HeadObject operation: Forbidden", "; set AWS_ACCESS_KEY_ID"),
        ("No space left on device", "$"),
    ],
)
def test_what_to_do_about_a_remote_is_said_where_somebody_knows(said: str, todo: str) -> None:
    assert re.match(todo, advice(said, "store"))


@pytest.mark.usefixtures("in_checkout")
def test_the_doctor_asks_for_every_file() -> None:
    assert [found.level for found in check_remote()] == ["ok"]
    drop(next(path for path in files(REMOTE) if path.suffix != ".dir"))
    [lacking] = check_remote()
    assert lacking.level == "warning"
    assert lacking.about.startswith("1 files are not there, data/")


def test_no_model_is_promoted_whose_data_is_not_on_the_remote(in_folder: None, monkeypatch: pytest.MonkeyPatch) -> None:
    called = []

    def step(name: str, result: Any = None) -> None:
        monkeypatch.setattr(retrain, name, lambda *_: called.append(name) or result)

    def refuse() -> None:
        raise RuntimeError("dvc push")

    for name, result in {"accept": [], "finished": None, "reproduce": None, "publish": "2", "record": None}.items():
        step(name, result)
    step("promote", Verdict(True, "better"))
    for place, name in ((retrain, "publish_shipped"), (retrain, "write_start"), (retrain.drift, "compare")):
        monkeypatch.setattr(place, name, lambda *_: None)
    monkeypatch.setattr(registry, "champion_version", lambda: "2")
    monkeypatch.setattr(retrain, "push", refuse)
    with pytest.raises(RuntimeError, match="dvc push"):
        retrain.retrain.fn()
    assert called == ["accept", "finished", "reproduce", "publish"]
    step("push")
    assert retrain.retrain.fn().data.promote
    assert called[-3:] == ["push", "promote", "record"]


@pytest.mark.parametrize("held", [None, '[{"md5": "0a", "relpath": "a.d', '[{"relpath": "a.dng"}]'])
def test_of_a_list_that_is_lost_or_cut_short_nothing_is_known(
    held: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = tmp_path / "listing"
    if held is not None:
        listing.write_text(held)
    monkeypatch.setattr(dvc_cache, "stored", lambda content: listing)
    assert remote._contents("0b.dir") is None
    listing.write_text('[{"md5": "0a", "relpath": "a.dng"}]')
    assert remote._contents("0b.dir") == {"0a", "0b.dir"}
