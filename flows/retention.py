"""What may go: pictures of old versions, and what DVC's cache holds for nobody. Never a bracket in `data/raw`."""

from __future__ import annotations

import re

from deepfuse import registry
from flows import pipeline
from flows.lock import only_run
from flows.logs import log

# What `dvc gc` leaves in the cache. (`--not-in-remote` is not what it sounds like: it drops from the cache also what
# changed brackets in `data/raw` are restored from.)
KEPT = ("--workspace", "--all-commits", "--all-experiments")


def tidy(*, keep: int, remove: bool) -> None:
    """Say what may go, and remove it if that is wanted; no run is in the way meanwhile.

    Args:
        keep: how many of the newest versions keep the pictures of their reports; the champion and the one before it
            always do.
        remove: whether to remove it.
    """
    what = "removed" if remove else "would go"
    with only_run():
        for report in registry.old_reports(keep) if registry.is_there() else ():
            if remove:
                registry.forget_report(report)
            log("version %s: pictures of its report, %.1f MB: %s", report.version, report.size_bytes / 1e6, what)
        said = pipeline.dvc("gc", *KEPT, "--force", *(() if remove else ("--dry",)), show=False)
        gone = re.search(r"Removed (\d+) object", said)  # says so of what would go, too
        log(
            "DVC's cache: %s objects that no commit, no experiment and nothing here uses: %s",
            gone[1] if gone else 0,
            what,
        )
