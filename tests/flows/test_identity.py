"""What a checkout is called on a server that it shares: a name of its own, which it keeps."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from deepfuse.errors import DeepfuseError
from flows import events
from flows.identity import NAME, RECORD, identity


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(NAME, raising=False)
    folder = tmp_path / "checkout"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_a_checkout_keeps_its_name_also_where_it_is_moved(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = identity()
    assert identity() == first
    monkeypatch.chdir(checkout.rename(checkout.with_name("moved")))
    assert identity() == first


def test_a_copy_gets_another_and_the_original_keeps_its_own(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = identity()
    monkeypatch.chdir(shutil.copytree(checkout, checkout.with_name("copy")))
    second = identity()
    assert not {second.name, second.deployment, second.resource, second.event("x")} & {
        first.name, first.deployment, first.resource, first.event("x"),
    }  # fmt: skip
    monkeypatch.chdir(checkout)
    assert identity() == first


def test_what_happens_outside_of_a_run_is_told_to_no_server_and_starts_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "emit_event", lambda *_, **__: pytest.fail("it was sent"))
    events.tell(events.REFUSED_SET, "beach: empty")


@pytest.mark.parametrize("damaged", ["", "[]", '{"name": "theirs"}'])
def test_a_damaged_record_is_made_anew(damaged: str) -> None:
    first = identity()
    RECORD.write_text(damaged)
    assert identity() not in (first, "theirs")


def test_a_name_that_is_set_is_taken_if_prefect_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "studio.2")
    assert identity().deployment == "retrain/studio.2"
    for bad in ("a/b", "a b", "-a", "ä", "a" * 200):
        monkeypatch.setenv(NAME, bad)
        with pytest.raises(DeepfuseError, match="DEEPFUSE_NAME: expected letters"):
            identity()
