"""Some sets of all that grouping found: those that are asked for by id or pattern."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from deepfuse.bracket import printable
from deepfuse.errors import BracketError
from deepfuse.grouping import Grouping

_NAMED = 3  # ids that are named where none is meant
_ALIKE = 0.4  # of two ids, as difflib measures it


def picked(grouping: Grouping, wanted: Sequence[str]) -> Grouping:
    """The sets that are wanted, and nothing of the others; all there is where nothing is named.

    Args:
        grouping: what was found.
        wanted: ids as `deepfuse brackets` prints them, or patterns with `*`, `?` and `[…]`; an id that has such
            letters means itself.

    Raises:
        BracketError: one of them means no set; the message names the nearest ids.
    """
    if not wanted:
        return grouping
    ids = [group.bracket.scene for group in grouping.groups if group.evidence != "radiance"]
    chosen = {scene for one in wanted for scene in _meant(one, ids)}
    return Grouping(tuple(group for group in grouping.groups if group.bracket.scene in chosen), (), ())


def _meant(wanted: str, ids: Sequence[str]) -> list[str]:
    if meant := [scene for scene in ids if scene == wanted] or [one for one in ids if fnmatchcase(one, wanted)]:
        return meant
    near = get_close_matches(wanted, ids, _NAMED, _ALIKE)
    some = f"; the nearest are {', '.join(near)}" if near else f", such as {', '.join(ids[:_NAMED])}" if ids else ""
    raise BracketError(f"{printable(wanted)}: expected one of {len(ids)} sets, got what means none of them{some}")
