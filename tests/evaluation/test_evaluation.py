import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.pictures import random_model
from support.scores import scored

from deepfuse.bracket import Exposure, Frame
from deepfuse.errors import DeepfuseError
from deepfuse.evaluation import (
    Score,
    fuse_average,
    fuse_mertens,
    held_out_scenes,
    measure_costs,
    score,
    score_scenes,
    scoring,
)
from deepfuse.evaluation.report import contact_sheet, mean_scores, read_scores, report_page, scores_csv
from deepfuse.files import file_digest
from deepfuse.fusion.fuse import fuse
from deepfuse.incremental import SceneCache
from deepfuse.manifest import Scene, write_manifest
from deepfuse.metrics.mef_ssim import mef_ssim
from deepfuse.metrics.table import METRICS
from deepfuse.params import Split
from deepfuse.photo import read_pages, writing_pages
from deepfuse.split import split_of


def test_mertens_and_average_are_between_the_frames(bracket: list[np.ndarray]) -> None:
    assert (fuse_average(bracket) == np.rint(np.mean(bracket, axis=0, dtype=np.float64))).mean() > 0.99
    fused = fuse_mertens(bracket)
    assert fused.dtype == np.uint16
    assert bracket[0].mean() < fused.mean() < bracket[2].mean()
    assert mef_ssim(bracket, fused) > mef_ssim(bracket, fuse_average(bracket))


def test_score_holds_every_measure(bracket: list[np.ndarray]) -> None:
    fused = fuse_average(bracket)
    found = score(bracket, fused)
    assert list(found) == [metric.name for metric in METRICS]
    assert (found["mef_ssim"], found["mef_ssim_single"]) == (
        mef_ssim(bracket, fused),
        mef_ssim(bracket, fused, scales=1),
    )
    assert all(found[metric.name] == metric.function(bracket, fused) for metric in METRICS)
    assert pickle.loads(pickle.dumps(found)) == found
    assert found != score(bracket, bracket[1])


@pytest.mark.parametrize(("values", "got"), [({"mef_ssim": 1}, "got mef_ssim$"), ({"shine": 1}, "shine$")])
def test_a_score_without_a_measure_or_with_another_is_refused(values: dict[str, float], got: str) -> None:
    best = {metric.name: metric.best for metric in METRICS}
    with pytest.raises(ValueError, match=f"expected a value of each of mef_ssim, .*{got}"):
        Score(values if "mef_ssim" in values else best | values)


def test_held_out_scenes_are_the_good_ones_of_the_test_split(tmp_path: Path) -> None:
    write_manifest(tmp_path, [Scene("good"), Scene("bad", reason="broken")])
    assert [scene.scene for scene in held_out_scenes(tmp_path, Split(val=0, test=1, salt=""), 9)] == ["good"]
    with pytest.raises(DeepfuseError, match="none of 1"):
        held_out_scenes(tmp_path, Split(val=0, test=0, salt=""), 9)


def test_of_many_held_out_scenes_a_new_one_takes_the_place_of_one_at_most(tmp_path: Path) -> None:
    split, names = Split(val=0, test=0.5, salt=""), [f"scene_{number:02}" for number in range(40)]

    def held_out(count: int, most: int) -> list[str]:
        write_manifest(tmp_path, list(map(Scene, names[:count])))
        return [scene.scene for scene in held_out_scenes(tmp_path, split, most)]

    everyone = held_out(40, 40)
    assert all(split_of(name, **split.model_dump()) == "test" for name in everyone)
    for count in range(20, 40):
        before, after = held_out(count, 5), held_out(count + 1, 5)
        assert len(before) == len(after) == 5
        assert len({*after} - {*before}) <= 1
        assert after == [name for name in everyone if name in after], "in the order of the manifest"


@pytest.mark.parametrize("arch", ["paper", "pyramid"])
def test_scenes_of_any_size_are_scored_with_every_measure(
    workplace: Path, bracket: list[np.ndarray], arch: str
) -> None:
    model, scenes = random_model(0, arch), aligned_scenes(workplace, bracket)
    found = score_scenes(model, scenes, workplace, exposures="extremes", cache=SceneCache("scores", ""))
    for name, (height, width) in SIZES.items():
        frames = [bracket[0][:height, :width], bracket[2][:height, :width]]
        assert found[name] == score(frames, fuse(frames, model=model))


def test_a_score_that_is_known_is_not_made_again(
    workplace: Path, bracket: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    scenes, cache, fused = aligned_scenes(workplace, bracket), SceneCache("scores", ""), []
    monkeypatch.setattr(scoring, "fuse", lambda frames, **rest: fused.append(frames[0].shape) or fuse(frames, **rest))

    def scores(seed: int = 0, cache: SceneCache = cache, exposures: str = "extremes") -> dict[str, Score]:
        fused.clear()
        return score_scenes(random_model(seed), scenes, workplace, exposures=exposures, cache=cache)

    first = scores()
    assert len(fused) == 2
    assert scores() == first
    assert not fused
    for other in ({"seed": 1}, {"cache": SceneCache("scores", "other code")}, {"exposures": "all"}):
        scores(**other)
        assert len(fused) == 2, other
    write_pages(workplace / "odd.tif", [frame.pixels[::-1] for frame in read_pages(workplace / "odd.tif", range(3))])
    with pytest.raises(DeepfuseError, match=r"odd.tif: expected the file that .* names .* got another"):
        scores()
    scenes = [as_they_are(scene, workplace) for scene in scenes]
    assert scores()["wide"] == first["wide"]
    assert fused == [(61, 75, 3)]


@pytest.mark.parametrize("damage", [lambda text: text[:-9], lambda text: text.replace("0.", "0.1"), lambda text: "[]"])
def test_a_damaged_score_is_made_again(
    workplace: Path, bracket: list[np.ndarray], damage: Callable[[str], str]
) -> None:
    scenes, cache = aligned_scenes(workplace, bracket), SceneCache("scores", "")
    first = score_scenes(random_model(0), scenes, workplace, exposures="extremes", cache=cache)
    kept = sorted(workplace.glob(".deepfuse/cache/scores/*/*"))
    whole = [path.read_text() for path in kept]
    assert len(kept) == 2
    for path in kept:
        path.write_text(damage(path.read_text()))
    assert score_scenes(random_model(0), scenes, workplace, exposures="extremes", cache=cache) == first
    assert [path.read_text() for path in kept] == whole


SIZES = {"wide": (90, 160), "odd": (61, 75)}


def aligned_scenes(folder: Path, bracket: list[np.ndarray]) -> list[Scene]:
    """The bracket cut to several sizes, as stage `align` leaves scenes."""
    for name, (height, width) in SIZES.items():
        write_pages(folder / f"{name}.tif", [frame[:height, :width] for frame in bracket])
    scenes = [
        Scene(name, frames=tuple(Frame("", "", "", Exposure(), None, width, height) for _ in bracket))
        for name, (height, width) in SIZES.items()
    ]
    return [as_they_are(scene, folder) for scene in scenes]


def write_pages(path: Path, frames: list[np.ndarray]) -> None:
    with writing_pages(path) as write:
        for frame in frames:
            write(np.ascontiguousarray(frame), None)


def as_they_are(scene: Scene, folder: Path) -> Scene:
    """The scene's record, naming the file that lies in the folder now."""
    return replace(scene, sha256=file_digest(scene.file(folder)))


def test_costs_are_those_of_each_model() -> None:
    paper, pyramid = random_model(0, "paper"), random_model(0, "pyramid")
    costs = measure_costs(paper, pyramid)
    # C1 5×5 1→16, C2 7×7 16→32, C3 7×7 32→32, C4 5×5 32→16, C5 5×5 16→1, each with its biases
    assert costs[0].parameters == 400 + 25088 + 50176 + 12800 + 400 + 16 + 32 + 32 + 16 + 1
    assert [cost.size_bytes for cost in costs] == [4 * cost.parameters for cost in costs]
    assert all(0 < cost.seconds_per_mp < 1000 for cost in costs)


SCORES = {
    "a": {"model": scored(mef_ssim=0.9, halo=0.3, chroma_gain=1.5), "mertens": scored(mef_ssim=0.7)},
    "b<i>": {"model": scored(mef_ssim=0.5, halo=0.1, chroma_gain=0.25), "mertens": scored(mef_ssim=0.9, chroma_gain=2)},
}
MOVING = {"a": 0.0123, "b<i>": None}


def test_report_figures(tmp_path: Path) -> None:
    best = {metric.name: {"model": metric.best, "mertens": metric.best} for metric in METRICS}
    assert mean_scores(SCORES) == best | {
        "scenes": 2,
        "mef_ssim": {"model": 0.7, "mertens": 0.8},
        "halo": {"model": 0.2, "mertens": 0},
        "chroma_gain": {"model": 0.875, "mertens": 1.5},
    }
    (tmp_path / "scenes.csv").write_text(scores_csv(SCORES))
    head, first, _ = ((line.split(",")) for line in (tmp_path / "scenes.csv").read_text().splitlines())
    assert dict(zip(head, first, strict=True))["chroma_gain_model"] == "1.500000"
    for method in ("model", "mertens"):
        found = read_scores(tmp_path / "scenes.csv", method)
        assert found == {scene: by_method[method] for scene, by_method in SCORES.items()}


def test_page_shows_the_mean_and_the_meaning_of_every_measure() -> None:
    page = report_page(SCORES, pictured=[], moving=MOVING)
    for name in SCORES["a"]["model"]:
        assert f"<td>{name}<td>" in page
    assert ">change across edges that runs against the scene&#x27;s; 0 is best</tr>" in page
    assert "<td>chroma_gain<td>0.8750<td>1.5000" in page


def test_page_shows_every_scene_and_escapes_its_name() -> None:
    page = report_page(SCORES, pictured=["50% #1"], moving=MOVING)
    assert 'src="sheets/50%25%20%231.jpg"' in page
    assert "<td>0.9000<td>0.7000<td>1.23%</tr>" in page
    assert "<td>0.5000<td>0.9000<td>unknown</tr>" in page
    assert "b&lt;i&gt;" in page
    assert "<i>" not in page


def test_contact_sheet_is_one_row(bracket: list[np.ndarray]) -> None:
    sheet = contact_sheet({"under": bracket[0], "over": bracket[2]})
    assert sheet.dtype == np.uint8
    assert sheet.shape == (26 + 360, 2 * 480, 3)
