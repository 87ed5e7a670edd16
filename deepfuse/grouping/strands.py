"""Sets that a change of the camera's clock has interleaved: told apart by what they show."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from deepfuse.grouping.evidence import Pictures, darkness
from deepfuse.grouping.ladders import Part, split
from deepfuse.grouping.rows import row_cost
from deepfuse.grouping.shots import Shot, file_number, natural, numbered

_LOOKED_AT = 3  # last photos of a strand that the next one is compared with
_FEWEST = 4  # photos, for two sets to be interleaved


def untangled(row: list[Shot], pictures: Pictures) -> list[list[Shot]]:
    """A row as it is, or its strands, one a scene, where they alternate and make no worse brackets each by itself.

    Pictures are looked at only where something is odd: file numbers that fall with time, or an automatic bracket that
    does not come apart into sets of one form.
    """
    if len(row) < _FEWEST:
        return [row]
    parts, price = _split(row, pictures)
    if not _numbers_fall(row) and (not row[0].flagged or _of_one_form(row, parts, pictures)):
        return [row]
    strands = _strands(row, pictures)
    if not _alternate(row, strands, pictures):
        return [row]
    return strands if sum(_split(strand, pictures)[1] for strand in strands) <= price else [row]


def _split(row: Sequence[Shot], pictures: Pictures) -> tuple[list[Part], float]:
    cost = row_cost(row, pictures)()
    parts = split(len(row), cost)
    return parts, sum(cost(a, b) for a, b in parts)


def _numbers_fall(row: Sequence[Shot]) -> bool:
    return numbered(row) and any(natural(b.file.name) < natural(a.file.name) for a, b in pairwise(row))


def _of_one_form(row: Sequence[Shot], parts: Sequence[Part], pictures: Pictures) -> bool:
    """Whether all parts are brackets that take the same steps."""
    evs = [darkness(row[a:b], pictures) for a, b in parts if b - a > 1]
    forms = {tuple(round(2 * (ev - part[0])) for ev in part) for part in evs}
    return len(evs) == len(parts) and len(forms) == 1


def _strands(row: Sequence[Shot], pictures: Pictures) -> list[list[Shot]]:
    """The row by scenes; where pictures do not tell, the camera's count does, else the scene before."""
    strands: list[list[Shot]] = []
    for shot in row:
        verdicts = [_belongs(shot, strand, pictures) for strand in strands]
        may = [strand for strand, verdict in zip(strands, verdicts, strict=True) if verdict is None]
        sure = [strand for strand, verdict in zip(strands, verdicts, strict=True) if verdict]
        next_to = [strand for strand in may if file_number(strand[-1]) + 1 == file_number(shot)]
        if mine := sure or next_to or may:
            mine[-1].append(shot)
        else:
            strands.append([shot])
    return strands


def _belongs(shot: Shot, strand: Sequence[Shot], pictures: Pictures) -> bool | None:
    seen = [pictures.same(one.file, shot.file) for one in strand[-_LOOKED_AT:]]
    return True if True in seen else False if False in seen else None


def _alternate(row: Sequence[Shot], strands: Sequence[Sequence[Shot]], pictures: Pictures) -> bool:
    """Whether strands of two photos or more lie between each other, and clearly show other scenes."""
    of = {shot: index for index, strand in enumerate(strands) for shot in strand}
    places = [[at for at, shot in enumerate(row) if of[shot] == index] for index in range(len(strands))]
    spans = [(place[0], place[-1]) for place in places if len(place) > 1]
    if not any(a[0] < b[0] < a[1] or a[0] < b[1] < a[1] for a in spans for b in spans):
        return False
    links = [pictures.same(a.file, b.file) for a, b in pairwise(row) if of[a] != of[b]]
    return True not in links and links.count(False) >= len(links) / 2
