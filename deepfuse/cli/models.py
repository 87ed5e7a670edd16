"""`deepfuse models`: the registered versions."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from deepfuse.cli.options import Commands, add_command, registry_warnings

if TYPE_CHECKING:
    from deepfuse.registry import Version


def add(commands: Commands) -> None:
    """Add the subcommand."""
    add_command(commands, "models", run, help="list the registered versions with their scores and verdicts")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """List."""
    from deepfuse.registry import versions

    found = versions()
    text = "\n".join(_line(version) for version in found) or "no version is registered"
    return {"versions": [_record(version) for version in found], "text": text, "said": registry_warnings()}


def _line(version: Version) -> str:
    score = version.metrics.get("mef_ssim")
    shown = "MEF-SSIM ?     " if score is None else f"MEF-SSIM {score:.4f}"
    names = ", ".join(version.aliases) or "-"
    said = version.veto or version.verdict or "not judged"
    return f"{version.number:>4}  {names:22}{shown}  {version.created:%Y-%m-%d %H:%M}  {said}"


def _record(version: Version) -> dict[str, Any]:
    return {
        "version": version.number,
        "aliases": list(version.aliases),
        "metrics": dict(version.metrics),
        "verdict": version.verdict,
        "created": version.created.isoformat(),
        "veto": version.veto and asdict(version.veto),
    }
