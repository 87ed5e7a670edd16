"""The options for how a picture looks: a named look, and single controls."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace

from deepfuse.fusion.controls import NEUTRAL, RANGES, Controls, check_control
from deepfuse.fusion.looks import DEFAULT_LOOK, descriptions, read_look

LOOK = "a named set of controls, and single controls, which override it (docs/controls.md)"
HELP_CONTROLS = {
    "strength": "how much of the network's brightness is taken; 0 is that of the middle exposure",
    "exposure_ev": "stops by which dark parts get brighter; bright ones less, and white stays white",
    "saturation": "how much of the colour is kept; 0 is grey",
    "highlights": "protect bright parts: they follow the darker exposures",
    "shadows": "protect dark parts: they stay as dark as in the middle exposure, noise too",
    "black_point": "the luma that becomes nearly black; nothing is clipped",
    "white_point": "the luma that becomes nearly white; nothing is clipped",
    "contrast": "an S-curve around middle grey; below 0 it flattens",
    "temperature": "warmer, or below 0 cooler, in mireds; luma and white stay",
}


def add_look(command: argparse.ArgumentParser) -> None:
    """A look, and each control."""
    group, looks = (
        command.add_argument_group("look", LOOK),
        [f"{name}: {text}" for name, text in descriptions().items()],
    )
    help = "\n".join(["a TOML file of controls, or one of", *looks, f"(default: {DEFAULT_LOOK})"])
    group.add_argument("--look", metavar="NAME|FILE", help=help)
    command.formatter_class = _LineByLine
    for name, (least, most) in RANGES.items():
        option, rest = f"--{name.removesuffix('_ev').replace('_', '-')}", getattr(NEUTRAL, name)
        help = f"{HELP_CONTROLS[name]}; {least:g} to {most:g}, at rest {rest:g} (default: the look's)"
        group.add_argument(option, dest=name, type=_control(name), metavar="X", help=help)


class _LineByLine(argparse.HelpFormatter):
    """Keeps the line breaks of an option's help."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return [part for line in text.splitlines() for part in super(_LineByLine, self)._split_lines(line, width)]


def _control(name: str) -> Callable[[str], float]:
    """The type of an option that is one of `Controls`."""

    def number(text: str) -> float:
        try:
            check_control(name, float(text))
        except ValueError as error:
            least, most = RANGES[name]
            raise argparse.ArgumentTypeError(f"expected a number from {least:g} to {most:g}, got {text}") from error
        return float(text)

    return number


def chosen_controls(options: argparse.Namespace) -> Controls:
    """The look that was asked for, under the controls that were given by themselves."""
    given = {name: value for name in RANGES if (value := getattr(options, name)) is not None}
    return replace(read_look(options.look or DEFAULT_LOOK), **given)
