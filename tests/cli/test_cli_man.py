"""`deepfuse man`: a page of all commands and options that groff sets without a warning."""

from __future__ import annotations

import argparse
import shutil
import subprocess

import pytest

from deepfuse.cli import main
from deepfuse.cli.commands import parser_of_all
from deepfuse.cli.configured import commands_of
from deepfuse.cli.man import manual


def test_all_commands_options_and_exit_codes_are_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["man"]) == 0
    page = capsys.readouterr().out
    parts = page.split("\n.SS ")
    commands = commands_of(parser_of_all())
    assert [part.split("\n")[0] for part in parts[1:]] == list(commands)
    for part, command in zip(parts[1:], commands.values(), strict=True):
        for name in command._option_string_actions:
            assert name.replace("-", r"\-") in part
    exits = page.partition(".SH EXIT STATUS")[2].partition(".SH FILES")[0]
    assert [line.split()[1] for line in exits.splitlines() if line.startswith(".B")] == "0 1 2 3 4 5 6 7 130".split()


def test_text_is_never_a_command_of_roff() -> None:
    parser = argparse.ArgumentParser(prog="x", description=".SH one \\fB 'two' 3×4")
    parser.add_subparsers().add_parser("'y", help="z", description="'.br").add_argument(
        "--a", help=".\\\n.so /etc/passwd"
    )
    lines = manual(parser).splitlines()
    assert r"\&.SH one \efB 'two' 3\[u00D7]4" in lines
    assert r"\&'.br" in lines
    assert r"\&.so /etc/passwd" in lines
    assert not any(line.startswith("'") for line in lines)


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is not installed")
def test_groff_sets_it_without_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["man"]) == 0
    page = capsys.readouterr().out
    done = subprocess.run(["groff", "-man", "-Tascii", "-ww", "-P-cbou"], input=page, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "deepfuse watch DIR -o OUT [options]" in " ".join(done.stdout.split())
    assert "DEEPFUSE_CONFIG" in done.stdout
