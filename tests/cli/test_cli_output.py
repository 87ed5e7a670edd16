"""What the command prints, wherever it prints it."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from support.photographs import Card

from deepfuse.cli import main
from deepfuse.exits import OUT_OF_MEMORY
from deepfuse.photo import write_photo
from deepfuse.terminal import say

HOSTILE = "\x1b[31m\n\x9b\u202e.png"


def run(*arguments: str, encoding: str = "utf-8") -> subprocess.CompletedProcess[bytes]:
    """The command in a process of its own, whose terminal has this encoding."""
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    return subprocess.run([sys.executable, "-m", "deepfuse.cli", *arguments], env=environment, capture_output=True)


@pytest.mark.parametrize("encoding", ["ascii", "cp437", "cp1252"])
def test_every_terminal_gets_its_letters(files: list[str], tmp_path: Path, encoding: str) -> None:
    done = run("fuse", *files, "-o", str(tmp_path / "ü×.png"), "--no-align", encoding=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert ("160×120" if encoding == "cp1252" else "160x120") in done.stdout.decode(encoding)


def test_json_holds_its_names_in_every_encoding(files: list[str], tmp_path: Path) -> None:
    out = tmp_path / "ü×.png"
    done = run("fuse", *files, "-o", str(out), "--no-align", "--json", encoding="ascii")
    assert json.loads(done.stdout.decode("ascii"))["output"] == str(out)


def test_help_and_wrong_usage_are_printed_in_ascii() -> None:
    assert run("fuse", "--help", encoding="ascii").returncode == 0
    done = run("fuse", "--look", encoding="ascii")
    assert done.returncode == 2
    assert b"expected one argument" in done.stderr


@pytest.mark.parametrize(
    "arguments", [["fuse", HOSTILE, HOSTILE, "-o", HOSTILE], ["fuse", "a", "-o", "b", f"--{HOSTILE}"], [HOSTILE]]
)
def test_errors_command_no_terminal(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with suppress(SystemExit):
        main(arguments)
    said = capsys.readouterr().err
    assert "[31m" in said
    assert not set(said) & set("\x1b\x9b\u202e")


def test_names_and_exif_command_no_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card = Card(tmp_path / "card\x1b[2J", make="\x1b]0;owned\x07Maker\x9b")
    for stops in (-2, 0, 2):
        card.shoot(stops, name=f"IMG\x1b_{card.count}\n.jpg")
        card.clock_s += 0.5
    out = tmp_path / "out"
    for command in (
        ["brackets"],
        ["brackets", "--json"],
        ["batch", "-o", str(out)],
        ["batch", "-o", f"{out}2", "--json"],
    ):
        assert main([command[0], str(card.folder), *command[1:]]) == 0
    said = "".join(capsys.readouterr())
    assert "Maker" in said or "IMG" in said
    assert not set(said) & set("\x1b\x07\x9b")
    for record in out.glob(".deepfuse/*.json"):
        assert not set(record.read_text()) & set("\x1b\x07\x9b")


def test_an_error_of_several_lines_is_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "a\ndeepfuse: all is well.png", "b.png", "c.png"]) == 4
    assert not any(line.startswith("deepfuse: all") for line in capsys.readouterr().err.splitlines())


def test_a_closed_stream_is_told_nothing() -> None:
    say("nobody hears it", None)


def test_a_stream_without_an_encoding_gets_the_text_as_it_is() -> None:
    stream = io.StringIO()
    say("2×3", stream)
    assert stream.getvalue() == "2×3\n"


def test_a_system_error_is_said_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Card(tmp_path / "card").bracket(-2, 0, 2)
    (tmp_path / "file").touch()
    assert main(["batch", str(tmp_path / "card"), "-o", str(tmp_path / "file" / "out")]) == 4
    said = capsys.readouterr().err
    assert "Errno" not in said
    assert f"{tmp_path / 'file'}" in said


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes"),
        RuntimeError("can't start new thread"),
        OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)),
    ],
)
def test_too_little_memory_is_said_in_words(
    files: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("deepfuse.job.prepare.read_frames", fail)
    assert main(["fuse", *files, "-o", str(tmp_path / "out.png")]) == OUT_OF_MEMORY
    assert "memory" in capsys.readouterr().err


def test_a_fault_of_the_program_is_not_hidden(
    files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deepfuse.job.prepare.read_frames", lambda *_, **__: [][0])
    with pytest.raises(IndexError):
        main(["fuse", *files, "-o", str(tmp_path / "out.png")])


def test_a_folder_without_photos_holds_no_bracket(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["brackets", str(tmp_path / "empty")]) == 3
    assert main(["batch", str(tmp_path / "empty"), "-o", str(tmp_path / "out")]) == 3
    assert "got no photo" in capsys.readouterr().err
    assert main(["brackets", str(tmp_path / "nothing")]) == 4


def test_what_libraries_log_commands_no_terminal() -> None:
    code = "import logging, deepfuse.cli as cli\ncli.main = lambda **_: logging.getLogger('x').warning('\\x1b[2J')\n"
    code += "import deepfuse.cli.__main__ as program\nprogram.run()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr == "␛[2J\n"


def test_wrong_usage_is_said_in_two_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["fuse", "a.png", "b.png", "-o", "c.png", "--jpeg-quality", "high"])
    assert stop.value.code == 2
    what, more = capsys.readouterr().err.splitlines()
    assert what == "deepfuse fuse: error: argument --jpeg-quality: expected a whole number from 1 to 100, got high"
    assert more.strip() == "deepfuse fuse --help says more"


def test_a_folder_of_frames_is_for_batch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.jpg").touch()
    for command in (["align", str(tmp_path)], ["fuse", str(tmp_path), str(tmp_path / "a.jpg")]):
        assert main([*command, "-o", str(tmp_path / "out.tif")]) == 4
        assert f"`deepfuse batch {tmp_path}`" in capsys.readouterr().err


def test_a_picture_of_another_size_is_not_scored(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_photo(tmp_path / "small.tif", np.zeros((60, 80, 3), np.uint16))
    assert main(["score", str(tmp_path / "small.tif"), *files]) == 4
    assert "small.tif: expected 160×120 pixels like the frames, got 80×60" in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "deepfuse.cli", "fuse", "--help"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


def limited(ulimit_kb: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of so much memory."""
    command = f'ulimit -v {ulimit_kb}; exec "$@"'
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    shell = ["sh", "-c", command, "sh", sys.executable, *arguments]
    return subprocess.run(shell, env=environment, capture_output=True, text=True, timeout=120)


@pytest.mark.skipif(sys.platform != "linux", reason="the system keeps no such limit")
@pytest.mark.parametrize("limit_kb", [100_000, 400_000, 585_000])
def test_a_limit_that_the_libraries_do_not_load_in_is_said_in_words(
    files: list[str], tmp_path: Path, limit_kb: int
) -> None:
    done = limited(limit_kb, "-m", "deepfuse.cli", "fuse", *files, "-o", str(tmp_path / "out.png"))
    assert done.returncode == OUT_OF_MEMORY
    assert done.stderr.startswith("deepfuse: not enough memory: expected 0.6 GB or more, got a limit of ")
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="the system keeps no such limit")
@pytest.mark.parametrize("limit_kb", [100_000, None])
def test_an_error_that_c_code_lost_is_one_of_memory_where_that_is_limited(limit_kb: int | None) -> None:
    code = "import sys; from deepfuse.exits import failed; sys.exit(failed(SystemError(0)))"
    if limit_kb:
        assert limited(limit_kb, "-c", code).returncode == OUT_OF_MEMORY
    else:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert "SystemError" in done.stderr
