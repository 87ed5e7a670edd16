"""`deepfuse models`: the registered versions."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from deepfuse.cli.options import Commands, add_command, registry_warnings

if TYPE_CHECKING:
    from deepfuse.registry import Version

SCORES = "their mean MEF-SSIM on the test scenes when they were last compared and on the reference set"
HEADER = f"version  {'aliases':22}  MEF-SSIM: test  reference  {'made':16}  verdict"


def add(commands: Commands) -> None:
    """Add the subcommand."""
    add_command(commands, "models", run, help=f"list the registered versions with {SCORES}, and their verdicts")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """List."""
    from deepfuse.registry import versions

    found = versions()
    text = "\n".join([HEADER, *map(_line, found)]) if found else "no version is registered"
    return {"versions": [_record(version) for version in found], "text": text, "said": registry_warnings()}


def _line(version: Version) -> str:
    scores = f"{_shown(version.test_score):>14}  {_shown(version.reference_score):>9}"
    names = ", ".join(version.aliases) or "-"
    said = version.veto or version.verdict or "not judged"
    return f"{version.number:>7}  {names:22}  {scores}  {version.created:%Y-%m-%d %H:%M}  {said}"


def _shown(score: float | None) -> str:
    return "-" if score is None else f"{score:.4f}"


def _record(version: Version) -> dict[str, Any]:
    return {
        "version": version.number,
        "aliases": list(version.aliases),
        "metrics": dict(version.metrics),
        "test_mef_ssim": version.test_score,
        "reference_mef_ssim": version.reference_score,
        "verdict": version.verdict,
        "created": version.created.isoformat(),
        "veto": version.veto and asdict(version.veto),
    }
