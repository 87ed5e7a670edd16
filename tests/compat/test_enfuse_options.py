"""The command line of enfuse 4.2: every option of it is taken, as getopt reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepfuse.compat.enfuse_options import read_order
from deepfuse.errors import PhotoError

LONG = """levels=-2 blend-colorspace=CIELAB ciecam no-ciecam depth=16 wrap=both exposure-weight=1 saturation-weight=.2
contrast-weight=0 entropy-weight=0 exposure-optimum=.5 exposure-width=.2 exposure-mu=.5 exposure-sigma=.2 soft-mask
hard-mask save-masks save-masks=a-%n.tif:b-%n.tif load-masks fallback-profile=p.icc layer-selector=all-layers
parameter=a=1 exposure-weight-function=gaussian exposure-cutoff=0%:95% contrast-window-size=5 contrast-edge-scale=0.3
contrast-min-curvature=1% gray-projector=l-star entropy-window-size=3 entropy-cutoff=0%:100% compression=deflate
verbose=3 output=o.tif""".split()


@pytest.mark.parametrize("option", LONG)
def test_every_long_option_is_taken_before_inputs(option: str) -> None:
    order = read_order([f"--{option}", "a.tif", "b.tif"])
    assert order.files == (Path("a.tif"), Path("b.tif"))


@pytest.mark.parametrize("option", ["-w", "-v", "-wboth", "-v3", "-c", "-g", "--wrap", "--verbose", "--save-masks"])
def test_a_value_that_may_be_left_out_takes_no_input(option: str) -> None:
    assert read_order([option, "a.tif", "b.tif"]).files == (Path("a.tif"), Path("b.tif"))


def test_what_has_a_meaning_is_taken_and_the_rest_is_noted_once() -> None:
    order = read_order(
        "a.tif -l 9 --levels=3 -f736x1072+0+8 -d R32 -W --compression=LZW -o x.tif --hard-mask -- -b.tif".replace(
            "-W", "-wVERTICAL"
        ).split()
    )
    assert order.files == (Path("a.tif"), Path("-b.tif"))
    assert (order.canvas, order.output) == ((0, 8, 736, 1072), Path("x.tif"))
    assert (order.wrap, order.depth, order.compression) == ("vertical", "float", "lzw")
    assert order.noted == ("--levels", "--hard-mask")


def test_a_compression_that_the_format_has_not_is_noted() -> None:
    assert read_order(["--compression=90", "-o", "x.jpg", "a"]).jpeg_quality == 90
    for option, output in (("90", "x.tif"), ("packbits", "x.tif"), ("lzw", "x.jpg"), ("jpeg-arith:80", "x.tif")):
        assert read_order([f"--compression={option}", "-o", output, "a"]).noted == ("--compression",)


@pytest.mark.parametrize(
    "option", ["-f0x3", "-f3", "--wrap=round", "--compression=zip", "--depth=12", "--compression=101"]
)
def test_a_value_that_is_none_is_wrong_usage(option: str) -> None:
    with pytest.raises(SystemExit) as ended:
        read_order([option, "a.tif"])
    assert ended.value.code == 2


@pytest.mark.parametrize("weights", [["--contrast-weight=1"], ["--exposure-weight=0"], ["--saturation-weight=1"]])
def test_weights_of_exposures_are_noted(weights: list[str]) -> None:
    assert read_order([*weights, "a.tif"]).noted == (weights[0].split("=")[0],)


def test_a_response_file_names_inputs_relative_to_itself(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    for name in ("c1.tif", "c2.tif"):
        (folder / name).touch()
    (folder / "inner.txt").write_text("# glob: wildcard\nc?.tif\n")
    (folder / "list.txt").write_text(f"# a comment\n\n  a b.tif  \r\n{tmp_path}/far.tif\n@inner.txt\n")
    names = ["a b.tif", "c1.tif", "c2.tif"]
    found = read_order([f"@{folder}/list.txt", "last.tif"]).files
    assert found == (folder / names[0], tmp_path / "far.tif", folder / names[1], folder / names[2], Path("last.tif"))


def test_a_response_file_that_names_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("@list.txt\n")
    with pytest.raises(PhotoError, match="got the response file itself"):
        read_order([f"@{tmp_path}/list.txt"])
