"""What a server counts, as Prometheus' own client reads it."""

from __future__ import annotations

import socket
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from deepfuse.errors import DeepfuseError, NotInstalledError
from deepfuse.job.record import UsedModel
from deepfuse.monitoring.records import Row
from deepfuse.serving.meter import Meter, started_meter

MODEL = UsedModel('models:/deep"fuse\\/3', "ab" * 32)


def row(status: str = "done", **values: object) -> Row:
    known = {"width_px": 2000, "height_px": 1000, "seconds": 1.5, "measures": {"mef_ssim": 0.9}} | values
    return Row("served", status, "", "m", "s", "1", **(known if status == "done" else {}))  # type: ignore[arg-type]


def shown(meter: Meter) -> str:
    return generate_latest(meter.registry).decode()


def samples(text: str) -> dict[tuple[str, str], float]:
    """The samples by their name and the value of their label, if they have one."""
    return {
        (sample.name, *sample.labels.values())[:2] if sample.labels else (sample.name, ""): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_what_is_counted_is_read_by_prometheus() -> None:
    meter = Meter(MODEL)
    assert samples(shown(meter))["deepfuse_brackets_total", "refused"] == 0
    for one in (row(), row(warnings=2, measures={}), row("refused")):
        meter.count(one)
    found = samples(shown(meter))
    assert found["deepfuse_brackets_total", "done"] == 2
    assert found["deepfuse_brackets_total", "refused"] == 1
    assert found["deepfuse_warned_total", ""] == 1
    assert found["deepfuse_megapixels_total", ""] == 4
    assert (found["deepfuse_seconds_sum", ""], found["deepfuse_seconds_count", ""]) == (3, 2)
    assert found["deepfuse_measure_sum", "mef_ssim"] == 0.9
    assert found["deepfuse_model_info", MODEL.name] == 1
    assert {family.type for family in text_string_to_metric_families(shown(meter))} == {"counter", "gauge", "summary"}


def test_a_large_sum_keeps_its_last_digit() -> None:
    meter = Meter(MODEL)
    meter.count(row(width_px=1_234_567, height_px=1_000_001))
    assert samples(shown(meter))["deepfuse_megapixels_total", ""] == 1_234_568.234567


def test_threads_lose_no_count() -> None:
    meter = Meter(MODEL)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(meter.count, [row() for _ in range(400)]))
    assert samples(shown(meter))["deepfuse_brackets_total", "done"] == 400


def test_it_answers_on_a_port_of_this_machine_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("DEEPFUSE_METRICS_PORT", str(port))
    meter = started_meter(MODEL)
    assert meter is not None
    meter.count(row())
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert samples(answer.read().decode())["deepfuse_brackets_total", "done"] == 1
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10)
    assert error.value.code == 404
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics?name[]=deepfuse_warned_total", timeout=10) as answer:
        assert samples(answer.read().decode()) == {("deepfuse_warned_total", ""): 0}
    assert started_meter(MODEL) is None, "the port is taken"


def test_no_port_counts_nothing_and_a_wrong_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEEPFUSE_METRICS_PORT", raising=False)
    assert started_meter(MODEL) is None
    for wrong in ("http", "-1", "0", "70000"):
        monkeypatch.setenv("DEEPFUSE_METRICS_PORT", wrong)
        with pytest.raises(DeepfuseError, match=f"DEEPFUSE_METRICS_PORT: expected a port, got '{wrong}'"):
            started_meter(MODEL)


def test_who_has_not_prometheus_client_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    monkeypatch.delenv("DEEPFUSE_METRICS_PORT", raising=False)
    assert started_meter(MODEL) is None
    monkeypatch.setenv("DEEPFUSE_METRICS_PORT", "9464")
    with pytest.raises(NotInstalledError, match=r"DEEPFUSE_METRICS_PORT: .*pip install 'deepfuse\[loop\]'"):
        started_meter(MODEL)
