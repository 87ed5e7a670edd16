"""The registry on a real sqlite MLflow: versions, aliases, the commands, and what is wrong."""

from __future__ import annotations

import getpass
import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import mlflow
import pytest
from support.trained_models import PARAMS, publish, trained

from deepfuse import load_model, registry
from deepfuse.cli import main
from deepfuse.errors import ModelError
from deepfuse.evaluation import Check, Verdict
from deepfuse.registry import aliases
from deepfuse.registry.artifact import FILES_TAG

pytestmark = pytest.mark.usefixtures("workplace")


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Spare the fresh process; the names that were checked."""
    names: list[str] = []
    monkeypatch.setattr(aliases, "check_golden", lambda name, model: names.append(name))
    return names


def test_promote_and_rollback_move_the_alias_and_remember(tmp_path: Path, database: Path, unchecked: list[str]) -> None:
    first, second = publish(tmp_path, 0), publish(tmp_path, 1)
    with pytest.raises(ModelError, match="no"):
        registry.rollback()
    registry.promote(first)
    with pytest.raises(ModelError, match="previous champion"):
        registry.rollback()
    assert registry.promote(second) == registry.Move(first, second)
    assert registry.promote(second) == registry.Move(second, second)
    assert registry.rollback() == registry.Move(second, first)
    assert registry.champion_version() == first
    assert unchecked == [f"models:/deepfuse/{version}" for version in (first, second, second, first)]
    with pytest.raises(ModelError, match="previous champion"):
        registry.rollback()
    with pytest.raises(ModelError, match="got 9"):
        registry.promote("9")


def test_a_rollback_is_a_veto_until_a_person_promotes(
    tmp_path: Path,
    database: Path,
    unchecked: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    first, second = publish(tmp_path, 0), publish(tmp_path, 1)
    for version in (first, second):
        registry.promote(version)
    move = mlflow.MlflowClient.set_registered_model_alias
    with monkeypatch.context() as patch:
        patch.setattr(mlflow.MlflowClient, "set_registered_model_alias", lambda self, *_: move(self, *_[:2], first))
        with pytest.raises(ModelError, match="champion: expected version 2 after it was set, got 1: another command"):
            registry.promote(second)
    registry.promote(second)
    with monkeypatch.context() as patch:
        patch.setattr(mlflow.MlflowClient, "set_registered_model_alias", lambda *_: None)
        with pytest.raises(ModelError, match="champion: expected version 1 after it was set, got 2"):
            registry.rollback()  # an alias that somebody else moves at the same time

    assert main(["rollback", "--why", " pink\nskies "]) == 0
    veto = registry.find_veto(second)
    assert veto is not None
    assert (veto.why, veto.who.startswith(getpass.getuser())) == ("pink skies", True)
    assert datetime.now(UTC) - datetime.fromisoformat(veto.when) < timedelta(minutes=5)
    assert registry.find_veto(first) is None
    with pytest.raises(ModelError, match=f"version 2 is vetoed by .*: pink skies; `deepfuse promote {second}` lifts"):
        registry.promote(second)
    assert registry.champion_version() == first

    client = mlflow.MlflowClient()
    client.delete_model_version_tag("deepfuse", second, FILES_TAG)
    anew = publish(tmp_path, 1)
    assert anew != second
    assert registry.find_veto(anew) == veto
    capsys.readouterr()
    assert main(["models"]) == 0
    assert f"vetoed by {veto.who} on {veto.when[:10]}: pink skies" in capsys.readouterr().out
    assert main(["promote", anew]) == 0
    assert registry.find_veto(anew) is registry.find_veto(second) is None
    registry.tag_version(first, {"deepfuse.veto": "no!"})
    assert "no!" in str(registry.find_veto(first))


def test_versions_say_what_is_known(tmp_path: Path, database: Path, unchecked: list[str]) -> None:
    assert registry.versions() == ()
    publish(tmp_path, 0)
    version = publish(tmp_path, 1)
    registry.tag_version(version, {"scenes": "8"})
    tags = registry.version_tags(version)
    assert len(tags.pop("deepfuse.files_sha256")) == 64
    assert tags == {registry.KEY_TAG: "key1", "scenes": "8"}
    verdict = Verdict(False, "worse", -0.1, (-0.2, float("nan")), (Check("halo", 1.0, 0.5, False),), "a")
    registry.record_verdict(version, verdict)
    registry.promote("1")
    found = registry.versions()
    assert [(v.number, v.aliases, v.verdict) for v in found] == [
        ("1", ("champion",), None),
        ("2", ("challenger",), "not promoted: worse"),
    ]
    assert found[1].metrics == {"mef_ssim": 0.91}
    assert found[0].created <= found[1].created
    stored = mlflow.MlflowClient().get_model_version("deepfuse", version)
    assert "| halo |" in stored.description
    checks = (Check("halo", 1.0, 0.5, False), *(Check("clipped_share", 0.1, 0.5, True, 0.2, 0.3) for _ in range(99)))
    registry.record_verdict("1", Verdict(False, "worse", -0.1, (-0.2, 0.1), checks, "a"))
    first = mlflow.MlflowClient().get_model_version("deepfuse", "1")
    assert len(first.description) <= 5000, "Postgres holds no more"
    for said in ("not promoted: worse", "| halo |", "scenes_train", "`model_card.md`"):
        assert said in first.description
    assert "| clipped_share |" in mlflow.artifacts.load_text(f"runs:/{first.run_id}/model_card.md")
    record = json.loads(mlflow.artifacts.load_text(f"runs:/{stored.run_id}/verdict.json"))
    assert record["interval"] == [-0.2, None]
    assert "worse" in mlflow.artifacts.load_text(f"runs:/{stored.run_id}/verdict.md")


def test_the_commands_list_and_move(
    tmp_path: Path, database: Path, unchecked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    def record(*command: str) -> Any:
        capsys.readouterr()
        assert main([*command, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    assert record("models") == {"versions": []}
    publish(tmp_path, 0)
    publish(tmp_path, 1)
    assert record("promote", "1") == {"from": None, "to": "1"}
    assert record("promote", "2") == {"from": "1", "to": "2"}
    listed = record("models")["versions"]
    assert [(v["version"], v["aliases"], v["metrics"]) for v in listed] == [
        ("1", [], {"mef_ssim": 0.9}),
        ("2", ["challenger", "champion"], {"mef_ssim": 0.91}),
    ]
    registry.log_scores("1", {registry.TEST_SCORE: 0.8, registry.REFERENCE_SCORE: 0.97})
    registry.log_scores("1", {registry.TEST_SCORE: 0.7})
    [first, second] = registry.versions()
    assert (first.test_score, first.reference_score, first.metrics) == (0.7, 0.97, {"mef_ssim": 0.9})
    assert (second.test_score, second.reference_score) == (0.91, None)
    assert main(["models"]) == 0
    header, one, two = (line.split() for line in capsys.readouterr().out.splitlines())
    assert header == ["version", "aliases", "MEF-SSIM:", "test", "reference", "made", "verdict"]
    assert one[:4] == ["1", "-", "0.7000", "0.9700"]
    assert two[:5] == ["2", "challenger,", "champion", "0.9100", "-"]
    assert main(["rollback"]) == 0
    assert capsys.readouterr().out == "champion: version 2 → version 1\n"


def test_the_commands_say_what_is_wrong(
    tmp_path: Path, empty_registry: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (["models"], ["promote", "1"], ["rollback"]):
        assert main(command) == 6
        said = capsys.readouterr().err
        assert "mlflow.db" in said
        assert said.count("deepfuse: ") == 1
    shutil.copy(empty_registry, tmp_path)
    publish(tmp_path)
    for command, said in (
        (["promote", "7"], "got 7"),
        (["promote", "x"], "got x"),
        (["rollback"], "previous champion"),
    ):
        capsys.readouterr()
        assert main(command) == 5
        assert said in capsys.readouterr().err
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    assert main(["models"]) == 6
    assert "cannot be reached" in capsys.readouterr().err


def test_no_registry_is_said_and_none_is_made(tmp_path: Path) -> None:
    calls = (
        registry.versions,
        registry.rollback,
        lambda: registry.promote("1"),
        lambda: load_model("models:/deepfuse@champion"),
    )
    for call in calls:
        with pytest.raises(registry.Unreachable, match=r"expected a registry in .*mlflow\.db"):
            call()
    assert list(tmp_path.iterdir()) == []


def test_a_model_is_named_by_its_version(tmp_path: Path, database: Path, unchecked: list[str]) -> None:
    publish(tmp_path)
    registry.promote("1")
    for uri in ("models:/deepfuse@champion", "models:/deepfuse/1"):
        with registry.model_folder(uri) as found:
            assert found.name == "models:/deepfuse/1"
            assert (found.folder / "model.safetensors").is_file()


def test_no_such_model_or_alias_is_said(tmp_path: Path, database: Path) -> None:
    publish(tmp_path)
    for uri in ("models:/deepfuse@champion", "models:/other/1"):
        with pytest.raises(ModelError, match=f"^{uri}: cannot be .* not found") as error:
            load_model(uri)
        assert not re.search(r"[A-Z]_[A-Z]|\[Errno|Error\(", str(error.value)), "an error's kind is no word"


def test_a_server_that_is_down_is_one_kind_of_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ann:s3cr@t@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    folders = trained(tmp_path, 0)
    calls = (
        registry.versions,
        registry.champion_version,
        registry.rollback,
        lambda: registry.promote("1"),
        lambda: registry.publish(*folders, key="abc", params=PARAMS),
        lambda: registry.load_model("models:/deepfuse@champion"),
        lambda: registry.record_verdict("1", Verdict(True, "")),
        lambda: registry.tag_version("1", {"a": "b"}),
    )
    for call in calls:
        with pytest.raises(
            registry.Unreachable, match=r"^MLflow at http://\*\*\*@127\.0\.0\.1:9 cannot be reached: "
        ) as said:
            call()
        assert "s3cr" not in str(said.value)
