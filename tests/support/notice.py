"""Write NOTICE, the licences of all that is installed with this project, as the installed distributions state them.

`make notice` runs it; a test compares what it would write with what is there.
"""

from __future__ import annotations

import argparse
import re
import tomllib
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
NOTICE = ROOT / "NOTICE"
BETWEEN = " / "  # statements of one distribution
HEAD = """deepfuse is under the Apache License 2.0, in the file LICENSE. The packages below are installed beside it
under their own licences, as each states them. `make notice` wrote this.
"""
SECTIONS = {
    "photos": "What fuses photos",
    "loop": "What the loop adds: the extra `loop`",
    "cluster": "What scenes on a cluster add: the extra `cluster`",
    "dev": "What development adds: no part of a running deepfuse",
}


def main() -> None:
    """Write the file."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    NOTICE.write_text(notice(), encoding="utf-8")


def notice() -> str:
    """The text of the file: of what is installed here, and as it was of what is locked for other machines."""
    text = NOTICE.read_text(encoding="utf-8") if NOTICE.exists() else ""
    elsewhere, parts = locked() - set().union(*sections().values()), [HEAD]
    for section, names in sections().items():
        lines = {name: licence(distribution(name)) for name in names}
        _, _, below = text.partition(SECTIONS[section])
        before = re.findall(r"^(\S+): (.+)$", below.split("\n\n")[1] if below else "", re.MULTILINE)
        lines |= {name: stated for name, stated in before if name in elsewhere}
        shown = "".join(f"{name}: {lines[name]}\n" for name in sorted(lines))
        parts.append(f"{SECTIONS[section]}\n\n{shown}")
    return "\n".join(parts)


def locked() -> set[str]:
    """The canonical names in all locks."""
    text = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("requirements*.lock"))
    return {canonicalize_name(name) for name in re.findall(r"^([\w.-]+)==", text, re.MULTILINE)}


def sections() -> dict[str, set[str]]:
    """The names of what is installed for each purpose, each name where it is needed first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    photos = needed(project["project"]["dependencies"])
    loop = needed(project["project"]["optional-dependencies"]["loop"])
    cluster = needed(project["project"]["optional-dependencies"]["cluster"])
    dev = needed([*project["dependency-groups"]["dev"], "uv"])
    return {
        "photos": photos,
        "loop": loop - photos,
        "cluster": cluster - loop - photos,
        "dev": dev - cluster - loop - photos,
    }


def needed(requirements: Iterable[str]) -> set[str]:
    """The canonical names of what these need here, directly or not; what is not installed is not needed here."""
    found: set[tuple[str, str]] = set()
    waiting = [(Requirement(text), "") for text in requirements]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        new = {(name, wanted) for wanted in ("", *requirement.extras)} - found
        found |= new
        try:
            further = distribution(name).requires or []
        except PackageNotFoundError:
            found -= new
            continue
        waiting += [(Requirement(text), wanted) for _, wanted in new for text in further]
    return {name for name, _ in found}


def licence(of: Distribution) -> str:
    """What a distribution states: its SPDX expression, or else its own words and classifiers, or else its file."""
    stated = of.metadata.get("License-Expression")
    if stated:
        return str(stated)
    words = (of.metadata.get("License") or "").strip()
    classifiers = [
        text.rpartition(" :: ")[2]
        for text in of.metadata.get_all("Classifier") or []
        if text.startswith("License :: OSI Approved :: ")
    ]
    short = [words] if words and "\n" not in words else []
    return BETWEEN.join([*short, *classifiers]) or _first_line(of)


def _first_line(of: Distribution) -> str:
    files = [file for file in of.files or [] if re.match(r"(?i)licen[cs]e|copying", file.name)]
    lines = [line.strip() for file in files[:1] for line in file.read_text().splitlines() if line.strip()]
    return f"as its {files[0].name} says: {lines[0]}" if lines else "not stated"


def gpl_without_choice(stated: str) -> bool:
    """Whether a licence is the GPL or AGPL, with no other one to choose and no exception for what uses it.

    >>> [gpl_without_choice(text) for text in ("GPL-3.0-or-later", "EPL-2.0 OR GPL-2.0-or-later", "LGPL", "MIT")]
    [True, False, False, False]
    """
    if re.search(r"\bOR\b|\||exception", stated):
        return False
    return any(re.search(r"\bA?GPL|(?<!Lesser )General Public", text) for text in stated.split(BETWEEN))


if __name__ == "__main__":
    main()
