"""What the command prints: text that commands no terminal, in letters that the terminal has."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any, NoReturn, TextIO

from deepfuse.bracket import printable_lines
from deepfuse.files import json_text

WRONG_USAGE = 2
_PLAIN = str.maketrans({"×": "x", "…": "...", "→": "->", "–": "-", "’": "'", "�": "?"})
_INDENT = "\n    "  # of an error's further lines: none can be taken for another message


def say(text: str, stream: TextIO | None) -> None:
    """Print lines of text; nothing to a stream that is closed."""
    if stream is not None:
        print(_encodable(printable_lines(text), stream), file=stream)


def say_record(record: dict[str, Any]) -> None:
    """Print a record in JSON on standard output."""
    text = json_text(record)
    say(text if _has(sys.stdout, text) else json.dumps(record, indent=2), sys.stdout)


def say_error(error: BaseException | str) -> None:
    """Say on standard error what went wrong."""
    text = (error if isinstance(error, str) else words(error)).strip().replace("\n", _INDENT)
    say(f"deepfuse: {text or type(error).__name__}", sys.stderr)


def words(error: BaseException) -> str:
    """The message of an error; that of the system without its number."""
    if isinstance(error, OSError) and error.strerror:
        return ": ".join(str(part) for part in (error.filename, error.filename2, error.strerror) if part is not None)
    return str(error)


def _has(stream: TextIO | None, text: str) -> bool:
    """Whether a stream's encoding has all letters of a text."""
    try:
        text.encode((stream and stream.encoding) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _encodable(text: str, stream: TextIO) -> str:
    """The text with what the stream's encoding lacks spelled in other letters, or as escapes."""
    if _has(stream, text):
        return text
    return text.translate(_PLAIN).encode(stream.encoding, "backslashreplace").decode(stream.encoding)


class Parser(argparse.ArgumentParser):
    """Prints its help and its errors, which quote what was given, as the rest is printed."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong where it can be seen: not below all options there are."""
        say(f"{self.prog}: error: {message}{_INDENT}{self.prog} --help says more", sys.stderr)
        raise SystemExit(WRONG_USAGE)

    def _print_message(self, message: str, file: Any = None) -> None:
        say(message.removesuffix("\n"), file or sys.stderr)
