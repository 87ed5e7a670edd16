"""`deepfuse watch`: the pictures of a folder's brackets as these arrive, be it from a camera or a card."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TextIO

from deepfuse import __version__
from deepfuse.bracket import printable
from deepfuse.cli.batch import add_making, jobs_of, making_of, naming_of
from deepfuse.cli.ending import interrupted_by_sigterm
from deepfuse.cli.options import Commands, add_command, fuse_options
from deepfuse.errors import BracketError
from deepfuse.terminal import say

if TYPE_CHECKING:
    from deepfuse.batch import Event, Watch

DESCRIPTION = """Fuse brackets as they arrive under a folder: from a tethered camera, a card, a copy. A set is made when
its files have not changed for --settle seconds and nothing more can join it: nothing is being written to its folder, or
only what comes after the next set. One that grows later is made anew. Pictures and records are those of `deepfuse batch
DIR -o OUT`, options too: what either of them has made, the other does not make again. A set that fails is tried again
when its files change; a folder that goes away is waited for. An OUT has one watch at a time, and no batch beside it
that would make its pictures otherwise. Ctrl-C or SIGTERM ends it with exit code 0; what was half made is made by the
next watch or batch."""
HELP_SETTLE = "how long a file must not have changed, in seconds; more for long exposures (default: 5)"
POLL_S = (0.1, 1.0)  # least and most between two looks
TROUBLE_S = 5.0  # until the next try
_BUSY = 20  # a look without news takes at most one part in so many of the time
_PLAIN = ("finished", "waiting")


def add(commands: Commands) -> None:
    """Add the subcommand."""
    command = add_command(commands, "watch", run, help="fuse brackets under a folder as they arrive")
    command.usage, command.description = "%(prog)s DIR -o OUT [options]", DESCRIPTION
    add_making(command)
    command.add_argument("--settle", type=_seconds, default=5.0, metavar="S", help=HELP_SETTLE)


def _seconds(text: str) -> float:
    """The type of an option that is a time."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0.1 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"expected seconds from 0.1 to 3600, got {text}")
    return seconds


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Watch until interrupted."""
    from deepfuse.batch import Arrivals, Pace, Watch, check_place, keep_naming, leave_unsearched, sole_watch
    from deepfuse.grouping import find_brackets
    from deepfuse.notes import MEMORY, open_notes
    from deepfuse.photo import check_depth, check_folder
    from deepfuse.registry import model_folder

    source, output = options.source, options.output
    check_depth(f".{options.format}", fuse_options(options, score=options.score).depth)
    if not source.is_dir():
        raise BracketError(f"{source}: expected a folder to watch, got {'a file' if source.exists() else 'nothing'}")
    check_place(source, output)
    check_folder(output)
    output.mkdir(parents=True, exist_ok=True)
    leave_unsearched(source, output)
    told: Counter[str] = Counter()
    stream = sys.stderr if options.json else sys.stdout
    with (
        sole_watch(source, output, making_of(options)),
        model_folder(options.model) as model,
        open_notes(MEMORY, __version__) as notes,
        interrupted_by_sigterm(),
        suppress(KeyboardInterrupt),
    ):
        keep_naming(output, naming_of(options))
        find = partial(find_brackets, source, prefer=options.prefer, frames=options.frames, recall=notes.recall)
        arrivals = Arrivals(source, lambda taken: find(taken=taken), options.settle)
        pace = Pace(options.jobs, options.seconds, options.cluster)
        watch = Watch(arrivals, lambda found: jobs_of(options, found, model, found), output, pace)
        _say(f"watching {printable(str(source))}: pictures go to {printable(str(output))}; Ctrl-C ends it", stream)
        for event in _events(watch, options.settle):
            told[event.kind] += 1
            _tell(event, stream)
    text = f"{told['made']} sets fused, {told['failed']} failed"
    return {"made": told["made"], "failed": told["failed"], "text": text}


def _events(watch: Watch, settle_s: float) -> Iterator[Event]:
    """What happens, for as long as this is asked; looks are rarer where they take long."""
    least, most = POLL_S
    while True:
        begun = time.monotonic()
        yield from watch.step(begun)
        pause = max(min(most, settle_s / 4), least, watch.look_s * _BUSY)
        time.sleep(TROUBLE_S if watch.trouble else pause)


def _tell(event: Event, stream: TextIO | None) -> None:
    text = event.text if event.kind in _PLAIN else f"{event.kind}: {event.scene}: {event.text}"
    for line in (text, *(f"warning: {event.scene}: {warning}" for warning in event.warnings)):
        _say(line, stream)


def _say(line: str, stream: TextIO | None) -> None:
    say(line, stream)
    if stream is not None:
        stream.flush()  # who reads it by a pipe waits for it
