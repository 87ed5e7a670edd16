"""`python -m flows doctor`: whether the loop of this checkout is well, and what to do where it is not."""

from __future__ import annotations

from flows.checks_here import HERE
from flows.checks_servers import SERVERS
from flows.findings import examine


def report() -> int:
    """Print a line for each thing that was checked.

    Returns:
        The exit code: 1 if something is at fault.
    """
    findings = examine({**SERVERS, **HERE})
    for name, answers in findings.items():
        for each in answers:
            print(each.line(name), flush=True)
    return int(any(each.level == "fault" for answers in findings.values() for each in answers))
