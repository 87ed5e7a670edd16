"""The page's API: sets, looks, choices, pictures, dropped photos, and what is refused."""

from __future__ import annotations

import io
import json
import time
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient
from support.batches import shoot

from deepfuse.cli import main
from deepfuse.photo import read_photo
from deepfuse.web.studio import Studio


def decoded(data: bytes) -> np.ndarray:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED))


def wait(client: TestClient, scene: str, *statuses: str) -> dict[str, Any]:
    """The set when it has one of these states."""
    for _ in range(600):
        one: dict[str, Any] = client.get(f"/api/sets/{scene}").json()
        if one["status"] in statuses:
            return one
        time.sleep(0.1)
    raise AssertionError(one)


def test_the_overview_shows_the_sets_and_what_is_in_none(client: TestClient) -> None:
    seen = client.get("/api/overview").json()
    assert [one["id"] for one in seen["sets"]] == ["barn", "cave"]
    assert [frame["name"] for frame in seen["sets"][0]["frames"]] == ["0.png", "1.png", "2.png"]
    assert seen["sets"][0]["why"]
    [lone] = seen["left_out"]
    assert lone["name"] == "lone.png"
    small = decoded(client.get(f"/api/photos/{lone['id']}/thumbnail").content)
    assert small.shape == (120, 160, 3)


def test_a_look_is_the_picture_that_is_saved(client: TestClient, studio: Studio) -> None:
    answer = client.get("/api/sets/barn/look", params={"saturation": 0})
    record = json.loads(answer.headers["x-record"])
    assert record["controls"]["saturation"] == 0
    assert 0 < record["measures"]["mef_ssim"] <= 1
    look = decoded(answer.content).astype(int)
    assert np.ptp(look, axis=2).max() <= 3
    client.post("/api/choices", json={"sets": ["barn"], "choice": {"saturation": 0}})
    client.post("/api/sets/barn/save")
    made = wait(client, "barn", "done", "failed")
    assert made["status"] == "done"
    saved = read_photo(studio.output / made["picture"])[..., ::-1].astype(int)
    assert saved.shape == look.shape
    assert np.abs(saved - look).mean() < 3  # of JPEG, on noise


def test_what_is_chosen_is_kept_where_a_batch_finds_it(
    client: TestClient, studio: Studio, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client.post("/api/choices", json={"sets": ["cave"], "choice": {"look": "punchy", "contrast": 0.2}})
    kept = tomllib.loads((studio.output / "looks.toml").read_text())
    assert kept["cave"] == {"look": "punchy", "contrast": 0.2}
    client.post("/api/batch", json={})
    wait(client, "cave", "done")
    wait(client, "barn", "done")
    capsys.readouterr()
    assert main(["batch", str(folder), "-o", str(studio.output), "--format", "png", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["done"], said["finished"]) == ([], ["barn", "cave"])


def test_exposures_lie_as_the_picture_does(client: TestClient) -> None:
    shapes = {decoded(client.get(f"/api/sets/cave/frames/{index}").content).shape for index in range(3)}
    assert shapes == {decoded(client.get("/api/sets/cave/look").content).shape}
    assert decoded(client.get("/api/sets/cave/moved").content).max() == 0
    assert client.get("/api/sets/cave/frames/3").status_code == 404


def test_pictures_are_given_out_one_by_one_and_together(client: TestClient, studio: Studio) -> None:
    client.post("/api/batch", json={"sets": ["cave"]})
    made = wait(client, "cave", "done")
    picture = client.get("/api/sets/cave/picture")
    assert picture.content == (studio.output / made["picture"]).read_bytes()
    with zipfile.ZipFile(io.BytesIO(client.get("/api/pictures.zip").content)) as archive:
        assert archive.read("cave.png") == picture.content
        assert archive.testzip() is None


def test_a_picture_that_somebody_changed_is_overwritten_only_where_the_request_says_so(
    client: TestClient, studio: Studio
) -> None:
    client.post("/api/sets/cave/save")
    wait(client, "cave", "done")
    theirs = studio.output / "cave.png"
    theirs.write_bytes(b"precious")
    client.post("/api/sets/cave/save")
    kept = wait(client, "cave", "kept")
    assert "--force" in kept["reason"]
    assert kept["flags"] == [f"kept: {kept['reason']}"]
    assert theirs.read_bytes() == b"precious"
    client.post("/api/sets/cave/save", params={"force": True})
    wait(client, "cave", "done")
    assert theirs.read_bytes() != b"precious"


def test_dropped_photos_become_a_set(client: TestClient, studio: Studio, tmp_path: Path) -> None:
    for path in shoot(tmp_path / "dune", 4):
        assert client.put(f"/api/dropped/drop1/{path.name}", content=path.read_bytes()).status_code == 201
    assert client.post("/api/dropped/drop1").json() == {"sets": ["drop1"]}
    assert client.put("/api/dropped/drop1/0.png", content=b"again").status_code == 422
    client.post(
        "/api/move", json={"photos": [f["id"] for f in client.get("/api/sets/drop1").json()["frames"]], "to": ""}
    )


def test_a_program_sends_a_bracket_and_fetches_its_picture(client: TestClient, tmp_path: Path) -> None:
    photos = [("photos", (path.name, path.read_bytes())) for path in shoot(tmp_path / "dune", 5)]
    sent = client.post("/api/brackets", files=photos, data={"name": "dune", "choice": '{"contrast": 0.1}'})
    assert sent.json() == {"set": "dune"}
    made = wait(client, "dune", "done", "failed")
    assert made["record"]["controls"]["contrast"] == 0.1
    assert decoded(client.get("/api/sets/dune/picture").content).ndim == 3


def test_a_bracket_whose_choice_is_none_is_no_set(client: TestClient, tmp_path: Path) -> None:
    photos = [("photos", (path.name, path.read_bytes())) for path in shoot(tmp_path / "elm", 6)]
    refused = client.post("/api/brackets", files=photos, data={"name": "elm", "choice": '{"contrast": 7}'})
    assert refused.status_code == 422
    assert client.get("/api/sets/elm").status_code == 404


def test_a_program_names_photos_of_the_open_folder_and_no_others(client: TestClient, folder: Path) -> None:
    names = [f"barn/{index}.png" for index in range(2)]
    scene = client.post("/api/brackets/paths", json={"paths": names, "name": "pair"}).json()["set"]
    assert wait(client, scene, "done", "failed")["status"] == "done"
    for outside in ("../other/1.png", str(folder.parent / "other/1.png"), "barn"):
        refused = client.post("/api/brackets/paths", json={"paths": [names[0], outside]})
        assert refused.status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/sets/none", None, 404),
        ("GET", "/api/sets/none/look", None, 404),
        ("GET", "/api/sets/barn/look?look=unknown", None, 422),
        ("GET", "/api/sets/barn/look?saturation=7", None, 422),
        ("GET", "/api/sets/barn/look?saturation=much", None, 422),
        ("GET", "/api/photos/0123/thumbnail", None, 404),
        ("POST", "/api/move", {"photos": ["0123"], "to": "barn"}, 404),
        ("POST", "/api/choices", {"sets": ["barn"], "choice": {"sharpness": 1}}, 422),
        ("POST", "/api/choices", {"sets": ["none"], "choice": {}}, 404),
        ("PUT", "/api/dropped/..%5Cup/1.jpg", None, 422),
        ("PUT", "/api/dropped/.hidden/1.jpg", None, 422),
        ("PUT", "/api/dropped/drop/run.sh", None, 422),
        ("POST", "/api/dropped/nothing", None, 404),
        ("GET", "/page/..%2fapp.py", None, 404),
    ],
)  # fmt: skip
def test_bad_requests_are_refused_in_words(client: TestClient, method: str, path: str, body: Any, status: int) -> None:
    answer = client.request(method, path, json=body)
    assert answer.status_code == status
    assert answer.json()["detail"]


def test_the_page_takes_the_token_out_of_its_address(client: TestClient) -> None:
    answer = client.get("/?token=secret", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "httponly" in answer.headers["set-cookie"].lower()
    page = client.get("/")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert client.get("/page/page.js").status_code == 200
    assert "/api/brackets" in client.get("/openapi.json").json()["paths"]


def test_nothing_is_written_into_the_open_folder(client: TestClient, folder: Path) -> None:
    found = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert found == [*(f"{scene}/{index}.png" for scene in ("barn", "cave") for index in range(3)), "lone/lone.png"]
