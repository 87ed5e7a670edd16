import math
import re
from dataclasses import fields
from html import escape
from pathlib import Path

import numpy as np
import pytest

from deepfuse import measures
from deepfuse.errors import DeepfuseError
from deepfuse.evaluation import Score, fuse_average, fuse_mertens, held_out_scenes, judge, score
from deepfuse.manifest import Scene, write_manifest
from deepfuse.mef_ssim import mef_ssim
from deepfuse.report import MEANINGS, contact_sheet, mean_scores, read_scores, report_page, scores_csv

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


def test_score_holds_every_measure(bracket: list[np.ndarray]) -> None:
    fused = fuse_average(bracket)
    found = score(bracket, fused)
    assert (found.mef_ssim, found.mef_ssim_single) == (mef_ssim(bracket, fused), mef_ssim(bracket, fused, scales=1))
    for name in [field.name for field in fields(Score)][2:]:
        assert getattr(found, name) == getattr(measures, name)(bracket, fused)


def test_held_out_scenes_are_the_good_ones_of_the_test_split(tmp_path: Path) -> None:
    write_manifest(tmp_path, [Scene("good"), Scene("bad", reason="broken")])
    assert [scene.scene for scene in held_out_scenes(tmp_path, val=0, test=1, salt="")] == ["good"]
    with pytest.raises(DeepfuseError, match="none of 1"):
        held_out_scenes(tmp_path, val=0, test=0, salt="")


SCORES = {
    "a": {"model": Score(0.9, 0.8, 0.7, 0.1, 0.2, 0.3, 1.5), "mertens": Score(0.7, 0.6, 0, 0, 0, 0, 1)},
    "b<i>": {"model": Score(0.5, 0.4, 0.5, 0.3, 0.1, 0.1, 0.25), "mertens": Score(0.9, 0.2, 1, 0, 0, 0, 2)},
}


def test_report_figures(tmp_path: Path) -> None:
    assert mean_scores(SCORES) == {
        "scenes": 2,
        "mef_ssim": {"model": 0.7, "mertens": 0.8},
        "mef_ssim_single": {"model": 0.6, "mertens": 0.4},
        "mef_ssim_c": {"model": 0.6, "mertens": 0.5},
        "lightness_order_error": {"model": 0.2, "mertens": 0},
        "clipped_share": {"model": 0.15, "mertens": 0},
        "halo": {"model": 0.2, "mertens": 0},
        "chroma_gain": {"model": 0.875, "mertens": 1.5},
    }
    (tmp_path / "scenes.csv").write_text(scores_csv(SCORES))
    head, first, _ = ((line.split(",")) for line in (tmp_path / "scenes.csv").read_text().splitlines())
    assert dict(zip(head, first, strict=True))["chroma_gain_model"] == "1.500000"
    assert read_scores(tmp_path / "scenes.csv") == {"a": 0.9, "b<i>": 0.5}


def test_page_shows_the_mean_and_the_meaning_of_every_measure() -> None:
    assert list(MEANINGS) == [field.name for field in fields(Score)]
    page = report_page(SCORES, pictured=[])
    for name, meaning in MEANINGS.items():
        assert f"<td>{name}<td>" in page
        assert f">{escape(meaning)}</tr>" in page
    assert "<td>chroma_gain<td>0.8750<td>1.5000" in page


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
