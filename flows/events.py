"""What the loop tells Prefect of itself, as events that automations of anybody may wait for, and the alarms do."""

from __future__ import annotations

from prefect.context import get_run_context
from prefect.events import emit_event
from prefect.exceptions import MissingContextError

from deepfuse.bracket import printable
from flows.identity import identity

REFUSED_SET = "set.refused"
PROMOTED = "model.promoted"
NOT_PROMOTED = "model.refused"
DRIFTED = "data.drifted"
ALARMING = (REFUSED_SET, PROMOTED, NOT_PROMOTED, DRIFTED)


def tell(what: str, text: str) -> None:
    """Emit an event of this checkout, with what happened in words; a server that is away stops nothing.

    Outside of a run there is no server to tell, and none is started for it.
    """
    try:
        get_run_context()
    except MissingContextError:
        return
    ours = identity()
    emit_event(
        ours.event(what), {"prefect.resource.id": ours.resource, "prefect.resource.name": ours.name},
        payload={"text": printable(text)},
    )  # fmt: skip
