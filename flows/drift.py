"""How far what arrived is from what the champion was trained on: figures for git, a page, and an event."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from prefect import task

from deepfuse import registry
from deepfuse.files import write_json, write_text
from deepfuse.monitoring.arrived import FILE, read_arrived
from deepfuse.monitoring.drift import Shift, headline, shifts
from deepfuse.monitoring.drift_page import drift_page
from deepfuse.params import read_params
from flows import events
from flows.logs import log
from flows.pipeline import METRICS
from flows.retries import NETWORK

FIGURES = METRICS / "drift.json"
PAGE = Path("data/drift.html")


@task(**NETWORK)
def compare(version: str) -> str | None:
    """Compare the scenes that are new since the champion with those that it was trained on, before another is champion.

    Its own are with its version in the registry. The figures go to `data/metrics`, the page beside the data and to the
    run of the new version, and a shift to Prefect as an event.

    Returns:
        What was found, in a line; `None` without a champion that knows its scenes.
    """
    champion = registry.champion_version()
    if champion == version:
        return None
    known = registry.run_file(champion, f"metrics/{FILE}") if champion else None
    if champion is None or known is None:
        log("no champion says which scenes it was trained on: what arrived is compared with none")
        _log_figures(version, {"new_scenes": 0})
        PAGE.unlink(missing_ok=True)
        return None
    params = read_params().drift
    today = read_arrived((METRICS / FILE).read_text(encoding="utf-8"))
    found = shifts(read_arrived(known), today, bound=params.bound, least=params.min_scenes)
    _log_figures(version, _figures(champion, found))
    write_text(PAGE, drift_page(champion, found, params.bound))
    registry.log_run_file(version, PAGE, "report")
    log("%s: %s", headline(found), PAGE)
    if any(one.over for one in found):
        events.tell(events.DRIFTED, headline(found))
    return headline(found)


def _figures(champion: str, found: Sequence[Shift]) -> dict[str, object]:
    """The numbers that DVC shows as metrics: an index where there are scenes enough for one."""
    return {
        "champion": int(champion),
        "new_scenes": sum(found[0].after),
        "over": sum(one.over for one in found),
        "psi": {one.feature: round(one.psi, 4) for one in found if one.psi is not None},
    }


def _log_figures(version: str, figures: dict[str, object]) -> None:
    """For git, and with the run in the place of those of the run before."""
    write_json(FIGURES, figures)
    registry.log_run_file(version, FIGURES, "metrics")
