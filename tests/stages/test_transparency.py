"""Frames with an alpha in the pipeline: what is transparent is in no aligned frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.motions import HEIGHT, IDENTITY, WIDTH, bracket

from deepfuse.params import Align
from deepfuse.photo import DEFAULT_LIMITS, read_pages, write_photo
from deepfuse.stages.align import FRAMES, make_aligned
from deepfuse.stages.ingest import develop


def test_transparent_margins_are_kept_by_ingest_and_cropped_by_align(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    frames = bracket((-1.5, 0.0), (IDENTITY, IDENTITY))
    shown = np.ones((HEIGHT, WIDTH), np.uint8)
    shown[:, :20] = 0
    shown[100:110, 200:215] = 0
    files = [tmp_path / "dark.png", tmp_path / "bright.png"]
    write_photo(files[0], frames[0] * shown[..., None], shown=shown)
    write_photo(files[1], frames[1])
    FRAMES.mkdir(parents=True)
    scene = develop("barn", files, {file.name: "0" for file in files}, DEFAULT_LIMITS, FRAMES)
    ingested, whole = read_pages(scene.file(FRAMES), range(2))
    assert ingested.valid is not None
    assert np.array_equal(ingested.valid, shown)
    assert whole.valid is None
    out = tmp_path / "out"
    out.mkdir()
    made = make_aligned(scene, Align(min_inliers=25, min_kept=0.5), out)
    assert (made.frames[0].width, made.frames[0].height) == (WIDTH - 20, HEIGHT)
    dark, bright = (page.pixels for page in read_pages(made.file(out), range(2)))
    aligned = dark.astype(int)
    error = np.abs(aligned - frames[0][:, 20:].astype(int) * 257) / 257
    assert error[95:115, 175:200].mean() < 6, "the hole is filled"
    assert np.array_equal(bright, frames[1][:, 20:].astype(np.uint16) * 257)
