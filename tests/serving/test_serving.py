"""The champion served in three ways: the command line, Python, and HTTP."""

from __future__ import annotations

import base64
import io
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
from PIL import Image
from PIL.ExifTags import Base
from support.model_server import CHAMPION, decoded, encoded, post, serving
from support.pictures import random_model
from support.projects import ROOT
from support.trained_models import PARAMS, trained

from deepfuse import fuse, read_look, read_photo, registry
from deepfuse.cli import main
from deepfuse.fusion.looks import DEFAULT_LOOK, default_look
from deepfuse.imports import closure, third_party
from deepfuse.model import weights_sha256
from deepfuse.monitoring.gathering import gather
from deepfuse.photo import write_photo
from deepfuse.registry.runs import REQUIREMENTS


@pytest.fixture(scope="module")
def champion(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A registry whose champion is the network of seed 0."""
    folder = tmp_path_factory.mktemp("registry")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        version = registry.publish(*trained(folder, 0), key="abc", params=PARAMS)
        mlflow.MlflowClient().set_registered_model_alias("deepfuse", "champion", version)
        yield folder


@pytest.fixture
def files(tmp_path: Path, bracket: list[np.ndarray]) -> list[Path]:
    paths = [tmp_path / "dark.png", tmp_path / "middle.tif", tmp_path / "bright.tif"]
    for path, frame in zip(paths, bracket, strict=True):
        write_photo(path, frame)
    return paths


@pytest.fixture(scope="module")
def server(champion: Path) -> Iterator[str]:
    with serving(champion) as address:
        yield address


def test_three_ways_give_one_picture(server: str, champion: Path, files: list[Path], tmp_path: Path) -> None:
    out, ghostly = tmp_path / "fused.png", tmp_path / "ghostly.png"
    came_and_went = read_photo(files[1]).copy()
    came_and_went[40:80, 60:90] = (9000, 30000, 3000)
    write_photo(files[1], came_and_went)
    command = ["fuse", *map(str, files), "--model", CHAMPION]
    assert main([*command, "-o", str(out)]) == 0
    assert main([*command, "--no-deghost", "-o", str(ghostly)]) == 0
    by_command = read_photo(out)
    assert by_command.dtype == np.uint16
    assert not np.array_equal(read_photo(ghostly), by_command)

    row = {"exposures": encoded(*files)}
    [answer] = mlflow.pyfunc.load_model(CHAMPION).predict([row])
    assert np.array_equal(decoded(answer["fused"], tmp_path), by_command)

    record = answer["record"]
    assert (record["width"], record["height"], record["depth"]) == (by_command.shape[1], by_command.shape[0], "16-bit")
    assert record["deghosting"]["share"] > 0
    assert record["model_sha256"] == weights_sha256(champion / "model")

    for request in (
        {"dataframe_records": [row]},
        {"dataframe_split": {"columns": ["exposures"], "data": [[row["exposures"]]]}},
    ):
        [answer] = post(server, request)["predictions"]
        assert np.array_equal(decoded(answer["fused"], tmp_path), by_command)
        assert answer["record"].keys() == record.keys()


def test_the_picture_carries_what_its_record_says(champion: Path, bracket: list[np.ndarray], tmp_path: Path) -> None:
    for index, frame in enumerate(bracket):
        told = Image.Exif()
        told[Base.DateTime] = f"2024:05:06 10:00:0{index}"
        Image.fromarray((frame >> 8).astype(np.uint8)).save(tmp_path / f"{index}.jpg", exif=told)
    row = {"exposures": encoded(*(tmp_path / f"{index}.jpg" for index in range(3)))}
    [answer] = mlflow.pyfunc.load_model(CHAMPION).predict([row])
    carried = Image.open(io.BytesIO(base64.b64decode(answer["fused"]))).getexif()
    reference = answer["record"]["alignment"]["reference"]
    assert answer["record"]["metadata_of"] == f"exposure {reference}.jpg"
    assert carried[Base.DateTime] == f"2024:05:06 10:00:0{reference}"


def test_a_request_may_hold_several_brackets_as_they_are(server: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows, expected = [], []
    for name, (height, width) in {"a": (40, 50), "b": (33, 64)}.items():
        frames = [rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for _ in range(2)]
        paths = [tmp_path / f"{name}{i}.jpg" for i in range(2)]
        for path, frame in zip(paths, frames, strict=True):
            write_photo(path, frame)
        rows.append({"exposures": encoded(*paths)})
        frames = [read_photo(path) for path in paths]
        expected.append(fuse(frames, model=random_model(0), controls=default_look()))
    answers = post(server, {"dataframe_records": rows, "params": {"align": False, "deghost": False}})["predictions"]
    some = post(server, {"dataframe_records": rows, "params": {"align": False}})["predictions"]
    assert len(some) == len(answers), "deghost has a default"
    assert {answer["record"]["controls"]["look"] for answer in some} == {DEFAULT_LOOK}
    for answer, wanted in zip(answers, expected, strict=True):
        got = decoded(answer["fused"], tmp_path)
        assert got.dtype == np.uint8
        assert np.array_equal(got, wanted)


def test_a_request_may_name_a_look_but_no_file(server: str, files: list[Path], tmp_path: Path) -> None:
    request: dict[str, Any] = {"dataframe_records": [{"exposures": encoded(*files)}]}
    as_is = {"align": False, "deghost": False}
    [answer] = post(server, request | {"params": {**as_is, "look": "punchy"}})["predictions"]
    expected = fuse([read_photo(path) for path in files], model=random_model(0), controls=read_look("punchy"))
    assert np.array_equal(decoded(answer["fused"], tmp_path), expected)
    assert answer["record"]["controls"] == asdict(read_look("punchy"))
    (tmp_path / "mine.toml").write_text("contrast = 0.5")
    for name in (str(tmp_path / "mine.toml"), "vivid"):
        with pytest.raises(urllib.error.HTTPError) as error:
            post(server, request | {"params": {"look": name}})
        assert error.value.code == 400
        assert "look: expected one of natural, " in json.load(error.value)["message"]


@pytest.mark.parametrize(
    ("exposures", "said"),
    [
        ([], "row 0: expected 2 to 15 exposures, got 0"),
        ([0], "row 0: expected 2 to 15 exposures, got 1"),
        ([0] * 16, "row 0: expected 2 to 15 exposures, got 16"),
        ([0, None], "row 0: expected exposures as a list of texts"),
        ([0, "not base64!"], "exposure 1: expected base64"),
        ([0, base64.b64encode(b"GIF89a").decode()], "exposure 1: expected a PNG, JPEG or TIFF"),
        ([0, base64.b64encode(b"\x89PNG\r\n\x1a\n cut short").decode()], "exposure 1.png: cannot be"),
        ([0, "other size"], "row 0: "),
    ],
)
def test_a_bad_request_is_told_what_is_wrong(
    server: str, files: list[Path], tmp_path: Path, exposures: list[Any], said: str
) -> None:
    write_photo(tmp_path / "small.png", np.zeros((30, 40, 3), np.uint16))
    texts = {0: encoded(files[0])[0], "other size": encoded(tmp_path / "small.png")[0]}
    rows = [{"exposures": [texts.get(exposure, exposure) for exposure in exposures]}]
    for form in ("dataframe_records", "instances"):
        with pytest.raises(urllib.error.HTTPError) as error:
            post(server, {form: rows, "params": {"align": False}})
        assert error.value.code == 400
        answer = json.load(error.value)
        assert said in answer["message"]
        assert answer.keys() == {"error_code", "message"}, "a stack"
        assert len(answer["message"]) < 200, "an echo of the request"
        assert "/tmp" not in answer["message"]


def test_rows_of_something_else_are_told_what_is_expected(server: str) -> None:
    for rows in ([], [{"photos": ["text"]}], [{"exposures": None}], [{"exposures": 3}]):
        with pytest.raises(urllib.error.HTTPError) as error:
            post(server, {"dataframe_records": rows})
        assert error.value.code == 400
        assert "exposures" in json.load(error.value)["message"]


def test_what_a_server_answers_is_kept_by_its_version(server: str, champion: Path, files: list[Path]) -> None:
    before = gather(champion / "records") if (champion / "records").exists() else []
    post(server, {"dataframe_records": [{"exposures": encoded(*files)}]})
    with pytest.raises(urllib.error.HTTPError):
        post(server, {"dataframe_records": [{"exposures": ["text", "text"]}]})
    made, refused = gather(champion / "records")[len(before) :]
    assert (made.source, made.status, made.frames, made.scene) == ("served", "done", 3, "")
    assert made.model == refused.model == "models:/deepfuse/1"
    assert made.model_sha256 == weights_sha256(champion / "model")
    assert made.measures["mef_ssim"] > 0
    assert (refused.status, refused.reason[:6]) == ("refused", "row 0:")
    assert str(champion) not in refused.reason
    address = f"http://127.0.0.1:{(champion / 'metrics_port').read_text()}/metrics"
    with urllib.request.urlopen(address, timeout=10) as answer:
        counted = answer.read().decode()
    assert f'deepfuse_model_info{{model="models:/deepfuse/1",sha256="{made.model_sha256}"}} 1.0' in counted
    rows = gather(champion / "records")
    for status in ("done", "refused"):
        count = sum(row.status == status for row in rows)
        assert f'deepfuse_brackets_total{{status="{status}"}} {float(count)}' in counted


def test_the_served_code_needs_only_its_declared_requirements() -> None:
    distributions = packages_distributions()
    providers = [
        {name.lower().replace("_", "-") for name in distributions[module]}
        for module in third_party(closure(ROOT / "deepfuse/serving/pyfunc.py"))
    ]
    assert all(provider & set(REQUIREMENTS) for provider in providers)
    assert set(REQUIREMENTS) <= set().union(*providers)
