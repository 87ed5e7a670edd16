import math
import re
from pathlib import Path

import numpy as np
import pytest

from deepfuse.errors import DeepfuseError
from deepfuse.evaluation import Score, fuse_average, fuse_mertens, held_out_scenes, judge, score
from deepfuse.manifest import Scene, write_manifest
from deepfuse.mef_ssim import mef_ssim
from deepfuse.report import contact_sheet, mean_scores, read_scores, report_page, scores_csv

LIMITS = {"min_gain": 0.001, "max_drop": 0.02}
CHAMPION = {"a": 0.95, "b": 0.97, "c": 0.96}


def shifted(**changes: float) -> dict[str, float]:
    return {scene: value + changes.get(scene, changes.get("all", 0.0)) for scene, value in CHAMPION.items()}


@pytest.mark.parametrize(
    ("challenger", "champion", "promote", "reason"),
    [
        (shifted(all=0.004), CHAMPION, True, "rises by 0.0040 over 3"),
        (shifted(all=-0.004), CHAMPION, False, "changes by -0.0040"),
        (CHAMPION, CHAMPION, False, r"changes by \+0.0000"),
        (shifted(all=0.0005), CHAMPION, False, r"changes by \+0.0005"),
        (shifted(a=0.2, b=-0.03), CHAMPION, False, "b falls by 0.0300"),
        (shifted(all=math.nan), CHAMPION, False, "not finite"),
        (CHAMPION, None, True, "no champion"),
        (shifted(all=math.nan), None, False, "not finite"),
    ],
)
def test_verdicts(challenger: dict, champion: dict | None, promote: bool, reason: str) -> None:
    verdict = judge(challenger, champion, **LIMITS)
    assert verdict.promote is promote
    assert re.search(reason, verdict.reason)


def test_scores_of_other_scenes_are_not_compared() -> None:
    with pytest.raises(ValueError, match="same scenes"):
        judge({"a": 0.9}, CHAMPION, **LIMITS)


def test_mertens_and_average_are_between_the_frames(bracket: list[np.ndarray]) -> None:
    assert (fuse_average(bracket) == np.rint(np.mean(bracket, axis=0, dtype=np.float64))).mean() > 0.99
    fused = fuse_mertens(bracket)
    assert fused.dtype == np.uint16
    assert bracket[0].mean() < fused.mean() < bracket[2].mean()
    assert mef_ssim(bracket, fused) > mef_ssim(bracket, fuse_average(bracket))


def test_score_holds_both_metrics(bracket: list[np.ndarray]) -> None:
    fused = fuse_average(bracket)
    assert score(bracket, fused) == Score(mef_ssim(bracket, fused), mef_ssim(bracket, fused, scales=1))


def test_held_out_scenes_are_the_good_ones_of_the_test_split(tmp_path: Path) -> None:
    write_manifest(tmp_path, [Scene("good"), Scene("bad", reason="broken")])
    assert [scene.scene for scene in held_out_scenes(tmp_path, val=0, test=1, salt="")] == ["good"]
    with pytest.raises(DeepfuseError, match="none of 1"):
        held_out_scenes(tmp_path, val=0, test=0, salt="")


SCORES = {
    "a": {"model": Score(0.9, 0.8), "mertens": Score(0.7, 0.6)},
    "b<i>": {"model": Score(0.5, 0.4), "mertens": Score(0.9, 0.2)},
}


def test_report_figures(tmp_path: Path) -> None:
    assert mean_scores(SCORES) == {
        "scenes": 2,
        "mef_ssim": {"model": 0.7, "mertens": 0.8},
        "mef_ssim_single": {"model": 0.6, "mertens": 0.4},
    }
    (tmp_path / "scenes.csv").write_text(scores_csv(SCORES))
    assert read_scores(tmp_path / "scenes.csv") == {"a": 0.9, "b<i>": 0.5}


def test_page_shows_every_scene_and_escapes_its_name() -> None:
    page = report_page(SCORES, pictured=["50% #1"])
    assert 'src="sheets/50%25%20%231.jpg"' in page
    assert "<td>0.9000<td>0.7000" in page
    assert "b&lt;i&gt;" in page
    assert "<i>" not in page


def test_contact_sheet_is_one_row(bracket: list[np.ndarray]) -> None:
    sheet = contact_sheet({"under": bracket[0], "over": bracket[2]})
    assert sheet.dtype == np.uint8
    assert sheet.shape == (26 + 360, 2 * 480, 3)
