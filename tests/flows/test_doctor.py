"""What the doctor says of a checkout, healthy or not, and that it comes to an end."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import namedtuple
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.projects import ROOT

from deepfuse import registry
from flows import checks_here, checks_servers, dvc_cache, lock, pipeline
from flows.findings import Check, Finding, examine, fault, ok, warning
from flows.inbox import INBOX, RAW

pytestmark = pytest.mark.usefixtures("in_folder")
Space = namedtuple("Space", "free")


def levels(check: Callable[[], Iterator[Finding]]) -> list[str]:
    return [each.level for each in check()]


def test_a_check_that_hangs_or_raises_is_a_fault_and_holds_up_no_other() -> None:
    gate = threading.Event()
    checks: dict[str, Check] = {
        "slow": lambda: [ok("never")] if gate.wait(60) else [],
        "broken": lambda: [ok(str(1 / 0))],
        "well": lambda: [ok("fine"), warning("narrow")],
    }
    started = time.monotonic()
    found = examine(checks, limit_s=0.5)
    gate.set()
    assert time.monotonic() - started < 30
    assert list(found) == ["slow", "broken", "well"]
    assert found["slow"] == [fault("no answer within 0.5 s")]
    assert found["broken"] == [fault("ZeroDivisionError: division by zero")]
    assert [each.level for each in found["well"]] == ["ok", "warning"]
    assert fault("of two\nlines \x1b[31m").line("disk") == "fault   disk: of two lines ␛[31m"


def test_a_narrow_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    for free_gb, level in ((0.5, "fault"), (5, "warning"), (500, "ok")):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free_gb * 1e9: Space(free))
        assert levels(checks_here.check_disk) == [level]


def test_versions_that_differ_are_named() -> None:
    checks_here.REQUIREMENTS.write_text(
        'numpy==0.1 \\\n    --hash=x\nnone-such==1 ; sys_platform == "x"\nmissing-one==2\n'
        "pytest==0 ; python_full_version < '3.9' \\\n    --hash=x\n"
    )
    [packages] = checks_here.check_versions()
    assert packages.level == "warning"
    assert "numpy 2." in packages.about
    assert "instead of 0.1, no missing-one:" in packages.about, "and no pytest, which is of another Python"
    text = Path("params.yaml").read_text()
    Path("params.yaml").write_text(text.replace("  numpy: 2.4.6", "  numpy: 1.0.0"))
    assert next(checks_here.check_versions()).about.startswith("libraries.numpy: expected 1.0.0")


def test_brackets_recorded_and_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert levels(checks_here.check_brackets) == ["ok"]  # the sample needs none
    text = Path("params.yaml").read_text()
    Path("params.yaml").write_text(text.replace("source: data/sample", "source: data/raw"))
    assert levels(checks_here.check_brackets) == ["warning"]
    pipeline.RAW_DVC.write_text("outs: [{md5: ab}]")
    monkeypatch.setattr(dvc_cache, "cache", lambda: Path(".dvc/cache"))
    before = sorted(Path().rglob("*"))
    assert levels(checks_here.check_brackets) == ["fault"]
    assert sorted(Path().rglob("*")) == before, "it changes nothing, also where a run would write the list anew"
    listing = dvc_cache.stored("ab")
    listing.parent.mkdir(parents=True)
    listing.write_text(json.dumps([{"md5": "a", "relpath": "attic/1.dng"}]))
    [gone] = checks_here.check_brackets()
    assert gone.level == "warning"
    assert gone.about.startswith("1 of 1 files are gone, data/raw/attic/1.dng first: the next run puts them back")
    assert "dvc checkout" not in gone.about, "which drops the whole folder where the cache lacks one file"
    (RAW / "attic").mkdir(parents=True)
    (RAW / "attic/1.dng").touch()
    assert levels(checks_here.check_brackets) == ["ok"]
    (RAW / "new").mkdir()
    assert levels(checks_here.check_brackets) == ["warning"]


def test_what_waits_and_how_the_last_run_ended() -> None:
    assert levels(checks_here.check_inbox) == levels(checks_here.check_last_run) == ["ok"]
    (INBOX / "beach").mkdir()
    assert levels(checks_here.check_inbox) == ["ok"]
    os.utime(INBOX / "beach", (1, 1))
    assert levels(checks_here.check_inbox) == ["warning"]
    with lock.only_run():
        assert next(checks_here.check_last_run()).about == "a run is at work"
    lock.UNFINISHED.touch()
    assert levels(checks_here.check_last_run) == ["warning"]
    lock.UNFINISHED.unlink()
    lock.FINISHED.write_text(json.dumps({"version": "7"}))
    assert "with version 7" in next(checks_here.check_last_run()).about


def test_the_champion_that_does_not_load_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///none.db")
    monkeypatch.setattr(registry, "champion_version", lambda: None)
    assert levels(checks_servers.check_registry) == ["warning"]
    monkeypatch.setattr(registry, "champion_version", lambda: "3")
    monkeypatch.setattr(registry, "load_model", lambda source: None)
    assert next(checks_servers.check_registry()).about == "version 3 of 'deepfuse' is champion, and loads"
    monkeypatch.setattr(registry, "load_model", lambda source: (_ for _ in ()).throw(OSError("no file")))
    assert examine({"registry": checks_servers.check_registry})["registry"] == [fault("OSError: no file")]


def test_the_command_ends_with_its_exit_code_and_changes_nothing(tmp_path: Path) -> None:
    """A checkout whose server is gone: the password it keeps is all that the command makes."""
    (tmp_path / ".dvc").mkdir()
    (tmp_path / "dvc.yaml").touch()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MLFLOW_"))}
    environment = {**kept, "PYTHONPATH": str(ROOT), "PREFECT_API_URL": "http://127.0.0.1:9/api"}
    command = [sys.executable, "-m", "flows", "doctor"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert {line[8:].partition(":")[0] for line in lines} == {*checks_servers.SERVERS, *checks_here.HERE}
    assert any(line.startswith("fault   servers: prefect: no answer from http://127.0.0.1:9/api") for line in lines)
    assert not Path("mlflow.db").exists()
