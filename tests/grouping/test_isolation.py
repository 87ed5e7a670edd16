"""A photo whose decoder crashes, hangs, swells or stumbles is left out with its reason; the others are a bracket."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.photographs import Card

from deepfuse.errors import PhotoError
from deepfuse.grouping import find_brackets
from deepfuse.photo import DEFAULT_LIMITS, Limits, isolated
from deepfuse.photo.capture import Capture, read_capture
from deepfuse.photo.isolated import onlooker
from deepfuse.photo.preview import Preview, read_preview
from deepfuse.workers import available_memory

BAD = "IMG_0002.jpg"


def crash(path: Path, limits: Limits) -> Capture:
    if path.name == BAD:
        os.kill(os.getpid(), signal.SIGSEGV)
    return read_capture(path, limits=limits)


def stumble(path: Path, limits: Limits) -> Capture:
    return read_capture(path, limits=limits) if path.name != BAD else Capture(int("inf"), 0)


def crash_decoding(path: Path, side_px: int, limits: Limits) -> Preview:
    if path.name == BAD:
        os.kill(os.getpid(), signal.SIGBUS)
    return read_preview(path, side_px, limits=limits)


def swell(path: Path, side_px: int, limits: Limits) -> Preview:
    return np.ones((1, 10**10, 3), np.float32)


@pytest.mark.parametrize(
    ("name", "act", "why"),
    [
        ("_capture", crash, "the process that read it crashed (SIGSEGV)"),
        ("_capture", stumble, "cannot be read: ValueError: invalid literal"),
        ("_preview", crash_decoding, "the process that read it crashed (SIGBUS)"),
    ],
)
def test_one_bad_photo_costs_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, act: Callable[..., object], why: str
) -> None:
    monkeypatch.setattr(isolated, name, act)
    Card(tmp_path / "card").bracket(-3, -1, 1, 3)
    found = find_brackets(tmp_path)
    assert [[file.name for file in group.bracket.files] for group in found.groups] == [
        ["IMG_0001.jpg", "IMG_0003.jpg", "IMG_0004.jpg"]
    ]
    [bad] = found.left_out
    assert (bad.file.name, bad.cause) == (BAD, "unreadable")
    assert bad.why.startswith(f"{tmp_path / 'card' / BAD}: {why}")


@pytest.mark.skipif(available_memory() < 9e9, reason="needs 8 GB")
def test_a_photo_that_swells_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolated, "_preview", swell)
    with onlooker(DEFAULT_LIMITS) as looks, pytest.raises(PhotoError, match=r"a\.jpg: needed more than 8\.0 GB"):
        looks.preview(tmp_path / "a.jpg", 96)
