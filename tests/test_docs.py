"""What the documents name is there: files, pages, targets of make, options of the commands."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.projects import ROOT

from deepfuse.cli.commands import parser_of_all
from deepfuse.compat.align_image_stack import parser as align_parser
from deepfuse.compat.enfuse_options import parser as enfuse_parser

PAGES = [
    ROOT / "README.md",
    ROOT / "SECURITY.md",
    ROOT / "deepfuse/weights/README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
FILE = re.compile(r"(?<![\w/.])(?:benchmarks|deepfuse|docs|flows|tests)/[\w./-]*\w")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
TARGET = re.compile(r"(?:`|^)make\s([a-z]+)", re.MULTILINE)
OPTION = re.compile(r"(?<=`)--[a-z][\w-]*")


def options() -> set[str]:
    """Those of `deepfuse`, of what it stands in for and, as they stand in the text, of the flows and the benchmarks."""
    [commands] = [action for action in parser_of_all()._actions if isinstance(action, argparse._SubParsersAction)]
    own = {name for command in commands.choices.values() for name in command._option_string_actions}
    own |= {name for parser in (enfuse_parser(), align_parser()) for name in parser._option_string_actions}
    scripts = [path.read_text() for folder in ("flows", "benchmarks") for path in (ROOT / folder).glob("*.py")]
    return own | set(re.findall(r'"(--[a-z][\w-]*)"', "\n".join(scripts)))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_names_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z ]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert [name for name in FILE.findall(text) if not (ROOT / name).exists()] == []
    assert [link for link in LINK.findall(text) if not (page.parent / link).exists()] == []
    assert set(TARGET.findall(text)) <= {name for line in targets for name in line.split()}
    assert set(OPTION.findall(text)) <= options()


def test_the_script_of_the_pictures_says_what_it_does_and_does_nothing_else() -> None:
    script = ROOT / "docs/controls/pictures.py"
    before = {path: path.stat().st_mtime_ns for path in script.parent.glob("*.jpg")}
    done = subprocess.run([sys.executable, script, "--help"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert "controls.md" in done.stdout
    assert {path: path.stat().st_mtime_ns for path in script.parent.glob("*.jpg")} == before


def test_the_readme_stays_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150
