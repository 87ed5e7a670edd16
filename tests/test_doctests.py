"""The examples in docstrings give what they say, and every room shows one with a number."""

from __future__ import annotations

import doctest
import re
from importlib import import_module

import pytest
from support.projects import ROOT

import deepfuse
from deepfuse.metrics.table import METRICS

MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted((ROOT / "deepfuse").rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]
# The public names, and what else the rooms are entered by; batch, serving, registry, cli and stages have commands.
ENTRIES = [
    *(f"deepfuse.{name}" for name in deepfuse.__all__ if name != "__version__"),
    *(f"{metric.function.__module__}.{metric.function.__name__}" for metric in METRICS),
    "deepfuse.color.luma",
    "deepfuse.color.rgb_to_ycbcr",
    "deepfuse.evaluation.score",
    "deepfuse.frames.check_frames",
    "deepfuse.grouping.find_brackets",
    "deepfuse.metadata.reading.read_blocks",
    "deepfuse.model.build_model",
    "deepfuse.model.read_model",
    "deepfuse.photo.read_header",
    "deepfuse.simulation.camera.expose",
    "deepfuse.simulation.scenery.render_scene",
    "deepfuse.split.split_of",
    "deepfuse.training.fit.fit",
    "deepfuse.training.losses.luminance_error",
    "deepfuse.training.patches.cut_patches",
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_say(name: str) -> None:
    results = doctest.testmod(import_module(name))
    assert results.attempted > 0
    assert results.failed == 0


@pytest.mark.parametrize("name", [name for name in deepfuse.__all__ if name != "__version__"])
def test_the_example_of_a_public_name_can_be_pasted(name: str) -> None:
    [test] = doctest.DocTestFinder(recurse=False).find(getattr(deepfuse, name), name, module=False, globs={})
    assert doctest.DocTestRunner().run(test).failed == 0


@pytest.mark.parametrize("name", ENTRIES)
def test_every_room_and_public_name_has_an_example_with_a_number(name: str) -> None:
    module, _, function = name.rpartition(".")
    [test] = doctest.DocTestFinder(recurse=False).find(getattr(import_module(module), function), function)
    wanted = "".join(example.want + (example.exc_msg or "") for example in test.examples)
    assert re.search(r"\d", wanted)
