"""`deepfuse completion`: what a shell offers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from deepfuse.cli import main

TRY = """
. ./script
complete -p deepfuse
try() {
  COMP_WORDS=(deepfuse "$@") COMP_CWORD=$# COMPREPLY=()
  _shtab_deepfuse deepfuse "${@: -1}" "${COMP_WORDS[-2]}"
  echo "${COMPREPLY[*]}"
}
try wat
try batch --form
try batch --format ''
try batch --look ni
try batch --look loo
try batch ca
try watch card -o ca
try fuse look
"""


def script(shell: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert main(["completion", shell]) == 0
    path = folder / "script"
    path.write_text(capsys.readouterr().out)
    return path


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
def test_bash_completes_commands_options_values_and_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script("bash", tmp_path, capsys)
    (tmp_path / "card").mkdir()
    (tmp_path / "cast.txt").touch()
    (tmp_path / "look.toml").touch()
    done = subprocess.run(["bash", "-c", TRY], cwd=tmp_path, capture_output=True, text=True)
    assert done.stderr == ""
    registered, *offered = done.stdout.splitlines()
    assert registered == "complete -o bashdefault -F _shtab_deepfuse deepfuse"
    assert offered == ["watch", "--format", "tif png jpg", "night", "look.toml", "card", "card", "look.toml"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_scripts_of_other_shells_are_sound(shell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = script(shell, tmp_path, capsys)
    text = path.read_text()
    assert "real-estate" in text
    assert "fuse brackets under a folder as they arrive" in text
    if shutil.which(shell):
        assert subprocess.run([shell, "-n", path], capture_output=True).stderr == b""
