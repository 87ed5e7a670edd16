"""Records of what was fused: kept by many at once, whole after a kill, gathered once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support.batches import job, shoot
from support.projects import ROOT

from deepfuse.batch.work import fuse_set
from deepfuse.cli import main
from deepfuse.errors import ModelError
from deepfuse.job.options import FuseOptions
from deepfuse.monitoring import records
from deepfuse.monitoring.gathering import gather
from deepfuse.monitoring.pictures import WATCHED, served_version
from deepfuse.monitoring.records import Row, keep, records_folder

TODAY = date(2026, 11, 26)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where records are kept."""
    monkeypatch.setenv("DEEPFUSE_RECORDS", str(tmp_path / "records"))
    return tmp_path / "records"


def row(time: str = "2026-11-26T10:00:00.000+00:00", **values: object) -> Row:
    return replace(Row("batch", "done", "barn", "shipped", "ab" * 32, "1", time=time), **values)  # type: ignore[arg-type]


def test_records_are_kept_in_a_checkout_or_where_the_variable_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DEEPFUSE_RECORDS")
    assert records_folder() is None, "nobody asked for records here"
    for name in ("dvc.yaml", "params.yaml"):
        Path(name).touch()
    assert records_folder() == Path(".deepfuse/records")
    monkeypatch.setenv("DEEPFUSE_RECORDS", "off")
    keep(row())
    assert records_folder() is None
    assert not Path(".deepfuse").exists()
    monkeypatch.setenv("DEEPFUSE_RECORDS", "elsewhere")
    keep(row())
    assert len(list(Path("elsewhere").glob("2026-11-26_*.jsonl"))) == 1


def test_a_batch_leaves_a_row_of_each_set_and_no_path(folder: Path, tmp_path: Path) -> None:
    shoot(tmp_path / "in/barn", 1)
    shoot(tmp_path / "in/cave", 2)[1].write_bytes(b"no picture")
    assert main(["batch", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--jobs", "2"]) == 1
    barn, cave = sorted(gather(folder), key=lambda one: one.scene)
    assert (barn.source, barn.status, barn.scene, barn.model, barn.frames) == ("batch", "done", "barn", "shipped", 3)
    assert (cave.status, cave.scene, cave.width_px, cave.measures) == ("refused", "cave", 0, {})
    assert cave.reason.startswith("1.png: expected a RAW")
    assert barn.seconds is not None
    assert barn.seconds > 0
    assert set(barn.measures) == set(WATCHED)
    assert 0.8 < barn.measures["mef_ssim"] < 1
    assert str(tmp_path) not in "".join(path.read_text() for path in folder.glob("*.jsonl"))
    assert pq.read_table(next(folder.glob("*.parquet"))).column("mef_ssim").null_count == 1


def test_what_goes_wrong_with_a_record_is_no_matter_of_the_picture(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write_text("a file where the folder should be")
    assert fuse_set(job(tmp_path)).status == "done"
    folder.unlink()
    monkeypatch.setattr("deepfuse.monitoring.pictures.METRICS", None)
    assert fuse_set(job(tmp_path / "other", options=FuseOptions(align=False))).status == "done"
    assert (tmp_path / "other/out/barn.png").is_file()
    assert not folder.exists()


def test_a_record_is_written_through_no_link(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(row())
    [path] = folder.iterdir()
    theirs = folder.parent / "theirs"
    theirs.write_text("precious")
    path.unlink()
    path.symlink_to(theirs)
    keep(row())
    assert theirs.read_text() == "precious"


WRITER = """
from deepfuse.monitoring.records import Row, keep
for number in range(200):
    keep(Row("batch", "done", f"{'x' * 300}{number}", "m", "s", "1"))
"""


def test_many_processes_at_once_and_one_of_them_killed(folder: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    killed = WRITER + "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    codes = [WRITER, WRITER, killed]
    writers = [subprocess.Popen([sys.executable, "-c", code], env=environment) for code in codes]
    while any(writer.poll() is None for writer in writers):
        seen = gather(folder) if folder.exists() else []
        assert all(len(one.scene) > 300 for one in seen)
        try:
            writers[-1].wait(0.05)
        except subprocess.TimeoutExpired:
            continue
        [writer.wait() for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, -signal.SIGKILL]
    assert len(gather(folder)) == len({one.id for one in gather(folder)}) == 600


def test_lines_that_are_cut_short_or_none_are_left_out(folder: Path) -> None:
    keep(row())
    [path] = folder.glob("*.jsonl")
    whole = path.read_text()
    bad = ["{", "3", "null", json.dumps(json.loads(whole) | {"id": "x", "frames": "three"}), '{"time": "noon"}']
    bad += [json.dumps(json.loads(whole) | {"id": "y", "time": "noon"}), whole[:40]]
    path.write_text(whole + "\n".join(bad))
    assert gather(folder, today=TODAY) == [replace(row(), id=json.loads(whole)["id"])]


def test_lines_become_one_table_a_day_and_go_when_their_day_is_over(folder: Path) -> None:
    rows = [row("2026-11-20T23:59:59.999+00:00", measures={"halo": 0.5}, gap_ev=6.0), row(measures={"mef_ssim": 0.9})]
    for one in rows:
        keep(one)
    first = gather(folder, today=TODAY)
    assert first == rows
    names = sorted(path.name[:10] + path.suffix for path in folder.iterdir())
    assert names == ["2026-11-20.parquet", "2026-11-26.jsonl", "2026-11-26.parquet"]
    assert gather(folder, today=TODAY) == rows
    keep(later := row("2026-11-26T11:00:00.000+00:00"))
    assert gather(folder, today=TODAY) == [*rows, later]
    assert pq.read_table(folder / "2026-11-26.parquet").num_rows == 2


def test_a_kill_between_table_and_lines_doubles_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(row("2026-11-20T10:00:00.000+00:00"))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            gather(folder, today=TODAY)
    assert len(gather(folder, today=TODAY)) == 1
    assert [path.name for path in folder.iterdir()] == ["2026-11-20.parquet"]


def test_without_pyarrow_records_are_kept_and_gathering_says_what_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    keep(row())
    with pytest.raises(ModelError, match=r"pip install 'deepfuse\[loop\]'"):
        gather(folder)


def test_a_long_reason_is_cut(folder: Path) -> None:
    keep(row(reason="x" * 1000 + "\n\x1b"))
    assert len(gather(folder)[0].reason) == records.LONGEST_REASON + 2


def test_a_served_version_is_called_as_mlflow_calls_it(tmp_path: Path) -> None:
    weights = tmp_path / "artifacts/model"
    assert served_version(weights) == "served"
    (tmp_path / "registered_model_meta").write_text("model_name: deepfuse\nmodel_version: '3'\n")
    assert served_version(weights) == "models:/deepfuse/3"
