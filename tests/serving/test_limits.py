"""What a server refuses before it decodes anything, and how it says so."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
from support.pictures import random_model

from deepfuse.errors import DeepfuseError, PhotoError
from deepfuse.model import write_model
from deepfuse.photo import write_photo
from deepfuse.serving import pyfunc
from deepfuse.serving.limits import ServingLimits
from deepfuse.serving.refusals import LONGEST, Refused, refusing
from deepfuse.serving.turns import Busy, Turns

AS_IS = {"align": False, "deghost": False, "look": "neutral"}


class Context:
    """What MLflow gives a model when it loads it."""

    def __init__(self, folder: Path) -> None:
        write_model(random_model(0), folder)
        self.artifacts = {"model": str(folder)}


def served(folder: Path) -> pyfunc.DeepFuse:
    model = pyfunc.DeepFuse()
    model.load_context(Context(folder / "model"))
    return model


@pytest.fixture
def pair(tmp_path: Path) -> list[str]:
    """Two exposures of 48×32 pixels in base64."""
    texts = []
    for level in (60, 180):
        write_photo(tmp_path / "one.png", np.full((32, 48, 3), level, np.uint8))
        texts.append(base64.b64encode((tmp_path / "one.png").read_bytes()).decode())
    return texts


def ask(model: pyfunc.DeepFuse, *rows: Any) -> list[dict[str, Any]]:
    return model.predict(None, {"exposures": list(rows)}, AS_IS)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], 'expected 1 to 2 rows with "exposures", got 0'),
        ([["", ""]] * 3, 'expected 1 to 2 rows with "exposures", got 3'),
        ([["", ""], []], "row 1: expected 2 to 3 exposures, got 0"),
        ([[""] * 4], "row 0: expected 2 to 3 exposures, got 4"),
        ([None], "row 0: expected exposures as a list of texts in base64, got something else"),
        (["text"], "row 0: expected exposures as a list of texts in base64, got something else"),
        ([{"a": "text"}], "row 0: expected exposures as a list of texts in base64, got something else"),
        ([["text", None]], "row 0: expected exposures as a list of texts in base64, got something else"),
        ([["A" * 800_000] * 2] * 2, "expected photo files of at most 2 MB together, got 2.4 MB"),
    ],
)
def test_a_request_is_bounded_by_what_it_holds(rows: list[Any], said: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        ServingLimits(brackets=2, exposures=3, megabytes=2).check_request(rows)


def test_what_is_within_the_limits_passes() -> None:
    ServingLimits(brackets=2, exposures=3, megabytes=2).check_request([["A" * 600_000] * 3, ("A", "A")])


def test_limits_are_set_by_the_environment_and_wrong_ones_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPFUSE_SERVE_AT_ONCE", "2")
    assert ServingLimits.from_environment() == ServingLimits(at_once=2)
    for wrong in ("0", "-1", "1.5", "many", "²"):
        monkeypatch.setenv("DEEPFUSE_SERVE_AT_ONCE", wrong)
        with pytest.raises(DeepfuseError, match=f"DEEPFUSE_SERVE_AT_ONCE: expected a whole number.*'{wrong}'"):
            ServingLimits.from_environment()


def test_too_many_bytes_are_refused_before_they_are_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPFUSE_SERVE_MEGABYTES", "1")
    with pytest.raises(Refused, match=r"at most 1 MB together, got 1\.5 MB"):
        ask(served(tmp_path), ["!" * 1_000_000] * 2)  # to decode it would say that it is no base64


def test_too_many_pixels_are_refused_by_the_headers(
    tmp_path: Path, pair: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPFUSE_SERVE_MEGAPIXELS", "1")
    model = served(tmp_path)
    assert len(ask(model, pair)) == 1
    monkeypatch.setattr(pyfunc, "prepare", lambda *_: pytest.fail("pixels were decoded"))
    write_photo(tmp_path / "large.png", np.zeros((600, 1000, 3), np.uint8))
    large = base64.b64encode((tmp_path / "large.png").read_bytes()).decode()
    with pytest.raises(Refused, match=r"^expected exposures of at most 1 megapixels together, got 2\.4$"):
        ask(model, [large, large], [large, large])


def test_one_request_too_many_is_refused_at_once_and_those_before_it_are_answered(
    tmp_path: Path, pair: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPFUSE_SERVE_WAITING", "1")
    model = served(tmp_path)
    with ThreadPoolExecutor(1) as waiting:
        with model.turns.turn():
            answer = waiting.submit(ask, model, pair)
            while model.turns._places._value:
                time.sleep(0.01)
            with pytest.raises(Refused, match="2 requests are at work or wait") as error:
                ask(model, pair)
            assert error.value.get_http_status_code() == 429
            assert not answer.done()
        assert len(answer.result(60)) == 1
    assert len(ask(model, pair)) == 1, "a turn that ended is free again"


def test_a_wrong_request_is_refused_without_a_turn_and_gives_its_turn_back(tmp_path: Path, pair: list[str]) -> None:
    model = served(tmp_path)
    for _ in range(5):
        with pytest.raises(Refused, match="row 0: exposure 1: expected base64"):
            ask(model, [pair[0], "not base64!"])
    with model.turns.turn(), pytest.raises(Refused, match="got 0"):
        ask(model, [])
    assert len(ask(model, pair)) == 1


def test_nobody_waits_longer_than_half_of_the_time_for_an_answer() -> None:
    turns = Turns(at_once=1, waiting=1, answer_s=0.2)
    begin = time.monotonic()
    with ThreadPoolExecutor(1) as other, turns.turn() as deadline:
        deadline.check()
        with pytest.raises(Busy, match="take too long"):
            other.submit(lambda: turns.turn().__enter__()).result(60)
        assert 0.09 < time.monotonic() - begin < 30
        time.sleep(0.2)
        with pytest.raises(Busy, match="longer than the server's time-out"):
            deadline.check()


def test_as_many_work_side_by_side_as_are_let() -> None:
    turns, together = Turns(at_once=2, waiting=4, answer_s=None), threading.Barrier(2, timeout=60)
    most, now, lock = 0, 0, threading.Lock()

    def work(_: int) -> None:
        nonlocal most, now
        with turns.turn() as deadline:
            deadline.check()
            with lock:
                now += 1
                most = max(most, now)
            together.wait()
            with lock:
                now -= 1

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert most == 2


def test_the_servers_time_out_is_the_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert served(tmp_path / "a").turns.answer_s is None
    monkeypatch.setenv(mlflow.environment_variables.MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT.name, "90")
    assert served(tmp_path / "b").turns.answer_s == 90


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (PhotoError("a.jpg: cannot be read"), 400, "a.jpg: cannot be read"),
        (Busy("try again later"), 429, "try again later"),
        (KeyError("/home/of/someone"), 500, "the server failed; its log says why"),
        (OSError(28, "No space left on device", "/home/of/someone"), 500, "the server failed; its log says why"),
        (ValueError("x" * 10_000), 400, "x" * LONGEST + " …"),
    ],
)
def test_a_refusal_says_one_sentence_whatever_the_server_adds(
    error: Exception, status: int, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Refused) as refused, refusing():
        raise error
    refused.value.message = "Failed to predict data 'the whole request'"  # as MLflow's server does
    assert json.loads(refused.value.serialize_as_json())["message"] == said
    assert refused.value.get_http_status_code() == status
    assert refused.value.__suppress_context__
    assert (type(error).__name__ in caplog.text) == (status == 500), "the log has what the client is not told"
