"""A bucket as DVC's remote: a real S3 server, which goes away, refuses, and forgets."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

import pytest
from support.checkouts import CACHE, RAW
from support.projects import commit_all, run_dvc, stages_run
from support.stores import Bucket, wait_until

from flows import remote

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1200)]
MANY = 400


@pytest.fixture
def keys(store: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in store.environment.items():
        monkeypatch.setenv(name, value)


def use(store: Bucket, checkout: Path, name: str = "studio") -> None:
    run_dvc(checkout, "remote", "add", "--default", "--force", "store", f"s3://{name}/dvc")
    run_dvc(checkout, "remote", "modify", "store", "endpointurl", store.url)


def cached() -> set[str]:
    """The objects of DVC's cache, by their keys on the remote."""
    return {f"dvc/files/md5/{path.relative_to(CACHE)}" for path in CACHE.rglob("*") if path.is_file()}


@pytest.mark.usefixtures("keys")
def test_a_fresh_clone_pulls_all_and_runs_nothing(store: Bucket, project: Path, tmp_path: Path) -> None:
    run_dvc(project, "add", "brackets")
    use(store, project)
    (project / ".git/info/exclude").write_text("/brackets\n")
    commit_all(project)
    run_dvc(project, "push")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(project), str(clone)], check=True)
    assert not (clone / "brackets").exists()
    run_dvc(clone, "pull", "--with-deps", "evaluate", "brackets.dvc")
    assert stages_run(run_dvc(clone, "repro", "evaluate")) == []
    for path in ("data/model/model.safetensors", "brackets/attic/00_ev-3.dng"):
        assert (clone / path).read_bytes() == (project / path).read_bytes()


@pytest.mark.usefixtures("keys", "in_checkout")
def test_what_is_wrong_with_the_bucket_is_said_and_the_next_push_does_it_all(store: Bucket) -> None:
    use(store, Path(), "nobody")
    with pytest.raises(RuntimeError, match=r"^DVC remote store: .*NoSuchBucket.*; make the bucket"):
        remote.push()
    use(store, Path())
    store.ask_for_keys(ask=True)
    with pytest.raises(RuntimeError, match=r"^DVC remote store: .*; set AWS_ACCESS_KEY_ID"):
        remote.push()
    store.ask_for_keys(ask=False)
    assert store.objects() == set()
    store.kill()
    with pytest.raises(RuntimeError, match=r"^DVC remote store: .*; is its server up"):
        remote.push()
    store.start()
    remote.push()
    assert store.objects() == cached()


@pytest.mark.usefixtures("keys", "in_checkout")
def test_a_server_that_dies_in_a_push_loses_nothing_and_a_list_of_it_is_short(
    store: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(store, Path())
    earlier = {key for key in cached() if key.endswith(".dir")}
    for number in range(MANY):
        (RAW / f"attic/{number}.dng").write_text(f"photo {number}")
    run_dvc(Path(), "add", str(RAW))
    run_dvc(Path(), "repro")
    before = cached()
    errors: list[str] = []

    def push() -> None:
        try:
            remote.push()
        except RuntimeError as error:
            errors.append(str(error))

    pushing = threading.Thread(target=push)
    pushing.start()
    wait_until(lambda: store.requests().count("PUT") > MANY // 8, "the push")
    store.kill()
    pushing.join()
    assert len(errors) == 1
    assert errors[0].startswith("DVC remote store: dvc push")
    assert cached() == before

    store.start()  # with nothing in it
    remote.push()
    assert store.objects() == before - earlier

    def asked() -> list[str]:
        known = len(store.requests())
        assert remote.absent() == []
        return store.requests()[known:]

    assert asked().count("HEAD") < 5
    assert len(asked()) < remote.FOLDERS + 5
    monkeypatch.setattr(remote, "FOLDERS", 10 * MANY)
    assert asked().count("HEAD") > MANY
