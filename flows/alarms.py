"""Who is told when a run fails, a set is refused or the champion changes: automations of the Prefect server.

They work without any process of the loop: a run that was killed ends as crashed when its heartbeat stays away.
"""

from __future__ import annotations

import os
import re
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.exceptions import ObjectNotFound

from deepfuse.errors import DeepfuseError
from flows.events import ALARMING
from flows.identity import Identity, identity
from flows.login import ALARM

SILENT_S = 600  # a run whose heartbeat, of 30 s, stays away that long is dead
_HEARTBEAT = "prefect.flow-run.heartbeat"
_BAD = ("prefect.flow-run.Failed", "prefect.flow-run.Crashed")
_ENDS = (*_BAD, "prefect.flow-run.Completed", "prefect.flow-run.Cancelled")


def set_up(client: Any, deployment: UUID) -> None:
    """Make or renew the automations of this checkout's deployment; without `DEEPFUSE_ALARM` nobody is told.

    Raises:
        DeepfuseError: `DEEPFUSE_ALARM` is neither an address nor a block of the server.
    """
    ours, whom = identity(), os.environ.get(ALARM, "")
    wanted = [_dead_runs(ours, deployment)]
    if whom:
        block = _block(client, whom, ours)
        wanted += [_bad_runs(ours, deployment, block), _news(ours, block)]
    for name in {each.name for each in wanted} ^ {_title(ours, what) for what in _TITLES}:
        for old in client.read_automations_by_name(name):
            client.delete_automation(old.id)
    for automation in wanted:
        found = client.read_automations_by_name(automation.name)
        if found:
            client.update_automation(found[0].id, automation)
        else:
            client.create_automation(automation)


_TITLES = DEAD, BAD, NEWS = ("a run died", "a run failed", "sets and models")


def _title(ours: Identity, what: str) -> str:
    return f"{ours.name}: {what}"


def _dead_runs(ours: Identity, deployment: UUID) -> AutomationCore:
    return AutomationCore(
        name=_title(ours, DEAD),
        description="Mark runs as crashed that were killed with all that could have said so.",
        trigger=EventTrigger(
            after={_HEARTBEAT},
            expect={_HEARTBEAT, *_ENDS},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=SILENT_S),
            **_runs_of(deployment),
        ),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED, name=None, message=f"nothing was heard of it for {SILENT_S} s", force=False
            )
        ],
    )


def _bad_runs(ours: Identity, deployment: UUID, block: UUID) -> AutomationCore:
    text = "run {{ event.resource['prefect.resource.name'] }}: {{ event.resource['prefect.state-message'] }}"
    return AutomationCore(
        name=_title(ours, BAD),
        trigger=_each(set(_BAD), **_runs_of(deployment)),
        actions=[
            SendNotification(
                block_document_id=block,
                subject=f"{ours.name}: {{{{ event.resource['prefect.state-name'] }}}}",
                body=text,
            )
        ],
    )


def _news(ours: Identity, block: UUID) -> AutomationCore:
    return AutomationCore(
        name=_title(ours, NEWS),
        trigger=_each({ours.event(what) for what in ALARMING}, match={"prefect.resource.id": ours.resource}),
        actions=[
            SendNotification(block_document_id=block, subject="{{ event.event }}", body="{{ event.payload.text }}")
        ],
    )


def _runs_of(deployment: UUID) -> dict[str, Any]:
    """What matches the events of the runs of one deployment."""
    related = {"prefect.resource.role": "deployment", "prefect.resource.id": f"prefect.deployment.{deployment}"}
    return {"match": {"prefect.resource.id": "prefect.flow-run.*"}, "match_related": related}


def _each(expect: set[str], **match: Any) -> EventTrigger:
    """A trigger for every one of some events."""
    return EventTrigger(expect=expect, posture=Posture.Reactive, threshold=1, within=timedelta(0), **match)


def _block(client: Any, whom: str, ours: Identity) -> UUID:
    """The notification block that alarms go to: one for the address, or one that the server has."""
    if re.match("https?://", whom):
        hook = CustomWebhookNotificationBlock(
            name=ours.name, url=whom, json_data={"text": "{{subject}}: {{body}}"}, headers=None, cookies=None
        )
        return cast(UUID, hook.save(re.sub("[^a-z0-9]+", "-", ours.name.lower()), overwrite=True))
    kind, _, name = whom.partition("/")
    try:
        return cast(UUID, client.read_block_document_by_name(name, kind).id)
    except (ObjectNotFound, ValueError):
        raise DeepfuseError(
            f"{ALARM}: expected the address of a webhook (https://…) or a notification block of the Prefect server "
            f"(slack-webhook/NAME), got {whom!r}"
        ) from None
