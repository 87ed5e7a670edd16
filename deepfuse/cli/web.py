"""`deepfuse web`: the page, for those who look rather than type."""

from __future__ import annotations

import argparse
import sys
import webbrowser
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from deepfuse.cli.options import Commands, add_command, add_fusing, fuse_options, some_path, whole
from deepfuse.errors import DeepfuseError, NotInstalledError
from deepfuse.terminal import say

DESCRIPTION = """Open a page in the browser: the brackets under a folder, each with a preview to compare and to change,
and their pictures made one by one or all at once. DIR is only read. Photos can be dropped onto the page too. It is
served on this machine alone, by an address with a secret token, and has an API for programs (/openapi.json). What is
chosen for a set is kept in OUT/looks.toml, and pictures, their names and records are those of `deepfuse batch DIR -o
OUT`."""
PACKAGES = ("fastapi", "prometheus_client", "python_multipart", "uvicorn")
HELP_SOURCE = "the folder of brackets (default: none, for photos that are dropped onto the page)"
HELP_OUTPUT = "where pictures go (default: DIR_fused beside DIR; deepfuse_fused in this folder without a DIR)"
HELP_FORMAT = "of pictures (default: that of those that are in OUT; jpg where there are none)"
HELP_NETWORK = "let phones and computers of the same network in, by an address with the token"


def add(commands: Commands) -> None:
    """Add the subcommand."""
    command = add_command(commands, "web", run, help="see, choose and make pictures on a local page")
    command.usage, command.description = "%(prog)s [DIR] [-o OUT] [options]", DESCRIPTION
    command.add_argument("source", nargs="?", type=some_path, metavar="DIR", help=HELP_SOURCE)
    command.add_argument("-o", "--output", type=some_path, metavar="OUT", help=HELP_OUTPUT)
    command.add_argument("--format", choices=("tif", "png", "jpg"), help=HELP_FORMAT)
    command.add_argument("--port", type=whole(0, 65535), default=0, help="where to listen (default: a free one)")
    command.add_argument("--network", action="store_true", help=HELP_NETWORK)
    command.add_argument("--no-browser", action="store_true", help="print the address and open nothing")
    command.add_argument(
        "-j", "--jobs", type=whole(1, 99), default=1, metavar="N", help="pictures made at the same time (default: 1)"
    )
    add_fusing(command)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Serve until interrupted."""
    _require_page()
    from deepfuse.batch import check_place, read_format
    from deepfuse.photo import check_depth, check_folder

    source, output = options.source, options.output or _output_of(options.source)
    if source is not None and not source.is_dir():
        raise DeepfuseError(f"{source}: expected a folder, got {'a file' if source.exists() else 'nothing'}")
    if source is not None:
        check_place(source, output)
    wanted = fuse_options(options, score=False)
    suffix = options.format or read_format(output) or "jpg"
    check_depth(f".{suffix}", wanted.depth)
    check_folder(output)
    from deepfuse.web.server import serve
    from deepfuse.web.studio import Studio

    studio = Studio(
        source and source.absolute(), output.absolute(),
        model=options.model, options=wanted, format=suffix, jobs=options.jobs,
    )  # fmt: skip
    try:
        with suppress(KeyboardInterrupt):
            serve(studio, port=options.port, network=options.network, say=lambda found: _told(found, options))
    finally:
        studio.close()
    return {"text": "", "output": str(output)}


def _require_page() -> None:
    """Ask at once for what a page needs.

    Raises:
        NotInstalledError: it is not here.
    """
    if lacking := [name for name in PACKAGES if find_spec(name) is None]:
        raise NotInstalledError(f"a page needs {', '.join(lacking)}: pip install 'deepfuse[web]'")


def _output_of(source: Path | None) -> Path:
    return Path("deepfuse_fused") if source is None else source.absolute().with_name(f"{source.absolute().name}_fused")


def _told(addresses: list[str], options: argparse.Namespace) -> None:
    say("\n".join(addresses) + "\nCtrl-C ends it", sys.stdout)
    sys.stdout.flush()
    if not options.no_browser:
        webbrowser.open(addresses[0])
