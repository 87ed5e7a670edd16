"""`deepfuse-enfuse` called as Hugin, digiKam and darktable call enfuse."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import tifffile
from support.motions import HEIGHT, IDENTITY, WIDTH, bracket
from support.projects import ROOT

from deepfuse import FuseOptions, fuse_files
from deepfuse.compat.enfuse import main
from deepfuse.metadata.embedded import Embedded
from deepfuse.photo import read_header, read_photo, write_photo
from deepfuse.photo.spaces import named_space

PLACE = (100, 50)
CANVAS = f"-f{WIDTH}x{HEIGHT}+{PLACE[0]}+{PLACE[1]}"
DPI = 150
CUTS = (np.s_[:, :-20], np.s_[10:, 30:], np.s_[:-6, :])


def write_piece(path: Path, pixels: np.ndarray, place: tuple[int, int], shown: np.ndarray | None = None) -> str:
    """A cropped RGBA TIFF as nona writes it: LZW, places in inches at 150 dots each."""
    alpha = np.full(pixels.shape[:2], 255, np.uint8) if shown is None else shown * np.uint8(255)
    positions = [(tag, "2I", 1, (px * 1000, DPI * 1000), True) for tag, px in zip((286, 287), place, strict=True)]
    tifffile.imwrite(
        path, np.dstack([pixels * (alpha[..., None] > 0), alpha]), photometric="rgb", extrasamples=["unassalpha"],
        compression="lzw", resolution=(DPI, DPI), resolutionunit=2,
        extratags=[(tag, 5, count, value, once) for tag, _, count, value, once in positions],
    )  # fmt: skip
    return str(path)


@pytest.fixture(scope="module")
def frames() -> list[np.ndarray]:
    return bracket((-1.5, 0.0, 1.5), (IDENTITY,) * 3)


@pytest.fixture
def pieces(frames: list[np.ndarray], tmp_path: Path) -> list[str]:
    """Three exposures, each with another margin cut off; the last also with a transparent corner."""
    corner = np.ones((HEIGHT - 6, WIDTH), np.uint8)
    corner[:40, :60] = 0
    places = (PLACE, (PLACE[0] + 30, PLACE[1] + 10), PLACE)
    return [
        write_piece(tmp_path / f"x000{index}.tif", frame[cut], place, shown)
        for index, (frame, cut, place, shown) in enumerate(zip(frames, CUTS, places, (None, None, corner), strict=True))
    ]


@pytest.fixture
def small(frames: list[np.ndarray], tmp_path: Path) -> list[str]:
    """Two small exposures."""
    return [write_piece(tmp_path / f"{index}.tif", frames[index][:60, :80], (0, 0)) for index in range(2)]


@pytest.fixture(scope="module")
def whole(frames: list[np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """The picture of the frames as they were before anything was cut off."""
    folder = tmp_path_factory.mktemp("whole")
    files = [folder / f"{index}.png" for index in range(3)]
    for file, frame in zip(files, frames, strict=True):
        write_photo(file, frame)
    return fuse_files(files, options=FuseOptions(align=False)).pixels.astype(int)


def test_hugins_call_gives_its_canvas_with_place_and_alpha_and_no_seam(
    pieces: list[str], whole: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.tif"
    assert main([CANVAS, "--compression=LZW", "-o", str(out), "--", *pieces]) == 0
    assert capsys.readouterr().err == ""
    with tifffile.TiffFile(out) as file:
        [page] = file.pages
        made = page.asarray()
        assert page.compression == tifffile.COMPRESSION.LZW
        assert page.extrasamples == (tifffile.EXTRASAMPLE.UNASSALPHA,)
    assert (made.shape, made.dtype) == ((HEIGHT, WIDTH, 4), np.uint8)
    assert made[..., 3].min() == 255
    assert read_header(out).place == PLACE
    difference = made[..., :3] - whole
    lacking = np.zeros((HEIGHT, WIDTH), bool)
    lacking[:, -20:] = lacking[:, :30] = lacking[:10] = lacking[-6:] = lacking[:40, :60] = True
    assert np.abs(difference).mean() < 2
    assert abs(difference[lacking].mean()) < 3
    for seam in (lacking, np.s_[40:, 28:32], np.s_[:, -22:-18], np.s_[38:42, :60]):
        assert np.abs(difference[seam]).mean() < 8


def test_without_a_canvas_all_inputs_are_held_and_what_none_shows_is_transparent(
    frames: list[np.ndarray], tmp_path: Path
) -> None:
    files = [
        write_piece(tmp_path / "a.tif", frames[0][:200, :300], (7, 9)),
        write_piece(tmp_path / "b.tif", frames[2][40:, 50:], (57, 49)),
    ]
    out = tmp_path / "out.tif"
    assert main(["-o", str(out), *files]) == 0
    alpha = tifffile.imread(out)[..., 3]
    assert alpha.shape == (HEIGHT, WIDTH)
    assert read_header(out).place == (7, 9)
    expected = np.zeros_like(alpha)
    expected[:200, :300] = expected[40:, 50:] = 255
    assert np.array_equal(alpha, expected)


@pytest.mark.parametrize(
    ("name", "options", "dtype"),
    [("o.tif", ["-d", "16"], np.uint16), ("o.tif", ["--depth=R32"], np.float32), ("o.jpg", ["-d16"], np.uint8)],
)
def test_a_depth_is_taken_as_far_as_the_format_goes(
    name: str, options: list[str], dtype: type, small: list[str], tmp_path: Path
) -> None:
    assert main([*options, "-o", str(tmp_path / name), *small]) == 0
    assert read_photo(tmp_path / name).dtype == dtype


def test_the_inputs_depth_stays_also_in_a_wide_gamut(frames: list[np.ndarray], tmp_path: Path) -> None:
    files = [tmp_path / f"{index}.tif" for index in range(2)]
    for file, frame in zip(files, frames, strict=False):
        write_photo(file, frame[:60, :80], embedded=Embedded(icc=named_space("p3").icc))
    assert main(["-o", str(tmp_path / "out.tif"), *map(str, files)]) == 0
    assert tifffile.imread(tmp_path / "out.tif").dtype == np.uint8
    assert "P3" in read_header(tmp_path / "out.tif").profile


def test_a_number_is_the_quality_of_jpeg(small: list[str], tmp_path: Path) -> None:
    sizes = []
    for quality in ("30", "JPEG:95"):
        assert main([f"--compression={quality}", "-o", str(tmp_path / "out.jpg"), *small]) == 0
        sizes.append((tmp_path / "out.jpg").stat().st_size)
    assert sizes[0] < sizes[1] / 2


def test_one_exposure_is_written_as_it_is(
    pieces: list[str], frames: list[np.ndarray], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.tif"
    assert main([CANVAS, "-o", str(out), pieces[1]]) == 0
    made = tifffile.imread(out)
    assert np.array_equal(made[CUTS[1]][..., :3], frames[1][CUTS[1]])
    assert made[..., 3].sum() == 255 * (HEIGHT - 10) * (WIDTH - 30)
    assert "one exposure alone" in capsys.readouterr().err


def test_wrapped_edges_meet(frames: list[np.ndarray], tmp_path: Path) -> None:
    def seen(turn: int, *options: str) -> np.ndarray:
        files = [
            write_piece(tmp_path / f"{index}.tif", np.roll(frame, turn, axis=1), (0, 0))
            for index, frame in enumerate(frames)
        ]
        assert main([*options, "-o", str(tmp_path / "out.tif"), *files]) == 0
        return np.roll(read_photo(tmp_path / "out.tif").astype(int), -turn, axis=1)

    half = WIDTH // 2
    open_, closed = (np.abs(seen(half, *how) - seen(0, *how))[:, :12].mean() for how in ([], ["-w"]))
    assert closed < 0.5 * open_


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--contrast-weight=1", "--exposure-weight=0"], "--contrast-weight=1 --exposure-weight=0: expected weights"),
        (["-f40x30+200+9"], "expected pixels in 40×30+200+9, got 80×60+0+0"),
        (["nothing.tif"], "nothing.tif: cannot be read"),
        (["@nothing.txt"], "nothing.txt: cannot be read"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name_and_writes_nothing(
    options: list[str], named: str, small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "out.tif"
    out.parent.mkdir()
    assert main([*options, "-o", str(out), *small]) == 4
    assert named in capsys.readouterr().err
    assert list(out.parent.iterdir()) == []


def test_an_input_is_not_overwritten_and_an_older_picture_is(small: list[str], tmp_path: Path) -> None:
    assert main(["-o", small[0], *small]) == 4
    out = tmp_path / "out.tif"
    out.write_bytes(b"older")
    assert main(["-o", str(out), *small]) == 0
    assert read_photo(out).shape == (60, 80, 3)


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_the_version_reads_as_enfuses(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([option])
    said = capsys.readouterr().out
    assert ended.value.code == 0
    assert said.startswith("enfuse 4.2 ")
    assert re.match(r"enfuse (\d.\d)", said.splitlines()[0])


def test_the_installed_programs_are_there_and_say_so_without_loading_pixels() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    for name in ("deepfuse-enfuse", "deepfuse-align-image-stack"):
        module, run = scripts[name].split(":")
        assert callable(getattr(import_module(module), run))
    code = "import sys; sys.modules['numpy'] = None; from deepfuse.compat.enfuse import run; run()"
    done = subprocess.run([sys.executable, "-c", code, "-V"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("enfuse 4.2")
