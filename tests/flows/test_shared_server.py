"""A Prefect server that others use too: their runs, of deployments of the same name or flow, are not touched."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect import get_client
from prefect.blocks.notifications import SlackWebhook
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.schedules import CronSchedule
from prefect.settings import PREFECT_API_URL
from prefect.states import Crashed, Pending, Running, Scheduled
from prefect.testing.utilities import prefect_test_harness

from deepfuse.errors import DeepfuseError
from flows import alarms, checks_servers, deploying, runs, starting
from flows.background import ServiceError
from flows.identity import NAME, identity
from flows.inbox import INBOX
from flows.lock import UNFINISHED
from flows.login import ALARM

pytestmark = pytest.mark.usefixtures("in_folder")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with prefect_test_harness(server_startup_timeout=120):
        yield str(PREFECT_API_URL.value())


@pytest.fixture
def client(url: str, in_folder: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("PREFECT_API_URL", url)
    for name in (NAME, ALARM):
        monkeypatch.delenv(name, raising=False)
    with get_client(sync_client=True) as found:
        yield found


def make_deployment(client: Any, name: str, folder: str) -> UUID:
    flow = client.create_flow_from_name("retrain")
    made: UUID = client.create_deployment(flow, name, job_variables={"working_dir": folder})
    return made


def make_run(client: Any, deployment: UUID, state: Any) -> UUID:
    made: UUID = client.create_flow_run_from_deployment(deployment, state=state).id
    return made


def states(client: Any, *found: UUID) -> list[str]:
    return [client.read_flow_run(run).state.name for run in found]


@pytest.fixture
def ours(client: Any) -> UUID:
    return make_deployment(client, identity().name, str(Path.cwd()))


@pytest.fixture
def theirs(client: Any) -> UUID:
    """Of another team, or an earlier release of ours in another folder."""
    return make_deployment(client, "retrain", "/srv/theirs")


def test_dead_runs_of_this_folder_alone_are_buried(client: Any, ours: UUID, theirs: UUID) -> None:
    alive = make_run(client, theirs, Running())
    dead = [make_run(client, ours, state) for state in (Running(), Pending())]
    assert len(runs.bury()) == 2
    assert states(client, alive, *dead) == ["Running", "Crashed", "Crashed"]


def test_a_run_takes_the_place_of_those_behind_it_alone(
    client: Any, ours: UUID, theirs: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, behind = make_run(client, theirs, Scheduled()), make_run(client, ours, Scheduled())
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", str(ours))
    runs.supersede()
    assert states(client, other, behind) == ["Scheduled", "Cancelled"]


def test_the_run_of_others_takes_no_bracket_of_ours(client: Any, theirs: UUID) -> None:
    make_run(client, theirs, Scheduled())
    assert "has no deployment retrain/deepfuse-" in runs.announce(["a"])
    ours = make_deployment(client, identity().name, str(Path.cwd()))
    assert runs.announce(["a"]) == "a run was asked for"
    make_run(client, ours, Scheduled())
    assert "is waiting" in runs.announce(["a"])


def test_a_name_that_another_folder_has_is_refused(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "studio")
    deployment = make_deployment(client, "studio", "/srv/theirs")
    run = make_run(client, deployment, Running())
    monkeypatch.setattr(deploying, "_prefect", lambda *_: pytest.fail("it deployed"))
    with pytest.raises(ServiceError, match="got one in /srv/theirs: set another DEEPFUSE_NAME"):
        deploying.deploy(own_server=False)
    assert runs.bury() == []
    assert states(client, run) == ["Running"]


def test_on_a_server_of_its_own_a_folder_has_one_deployment(
    client: Any, theirs: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploying, "_prefect", lambda *_: make_deployment(client, identity().name, str(Path.cwd())))
    earlier = make_deployment(client, "retrain-before", str(Path.cwd()))
    for own_server, left in ((False, {earlier, theirs}), (True, {theirs})):
        deploying.deploy(own_server=own_server)
        assert {found.id for found in client.read_deployments()} & {earlier, theirs} == left


def test_up_asks_for_a_run_where_work_is_left(client: Any, ours: UUID, capsys: pytest.CaptureFixture[str]) -> None:
    def said(dead: list[str]) -> str:
        starting.ask_for(dead)
        return capsys.readouterr().out

    assert said([]) == ""
    assert said(["red-fox"]) == "the last run did not come to its end: a run was asked for\n"
    UNFINISHED.parent.mkdir(exist_ok=True)
    UNFINISHED.touch()
    assert said([]) == "the last run did not come to its end: a run was asked for\n"
    (INBOX / "beach").mkdir()
    assert said([]) == "1 sets wait in data/inbox: a run was asked for\n"


def automations(client: Any) -> dict[str, Any]:
    """Those of this checkout, by what follows its name."""
    found = {each.name: each for each in client.read_automations()}
    return {name.partition(": ")[2]: each for name, each in found.items() if name.startswith(f"{identity().name}: ")}


def test_alarms_are_set_up_once_follow_their_setting_and_are_for_this_checkout(
    client: Any, ours: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ALARM, "https://example.org/hook")
    alarms.set_up(client, ours)
    first = automations(client)
    assert first.keys() == {alarms.DEAD, alarms.BAD, alarms.NEWS}
    for what in (alarms.DEAD, alarms.BAD):
        assert str(ours) in str(first[what].trigger.match_related)
    assert str(first[alarms.NEWS].trigger.match).count(identity().resource) == 1
    alarms.set_up(client, ours)
    assert {each.id for each in automations(client).values()} == {each.id for each in first.values()}
    monkeypatch.delenv(ALARM)
    alarms.set_up(client, ours)
    assert automations(client).keys() == {alarms.DEAD}


def test_alarms_go_to_a_block_of_the_server_and_a_missing_one_is_named(
    client: Any, ours: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    block = SlackWebhook(url="https://hooks.slack.com/services/a/b/c").save("studio", overwrite=True)
    monkeypatch.setenv(ALARM, "slack-webhook/studio")
    alarms.set_up(client, ours)
    assert automations(client)[alarms.BAD].actions[0].block_document_id == block
    for bad in ("slack-webhook/nobody", "no-such/thing", "studio"):
        monkeypatch.setenv(ALARM, bad)
        with pytest.raises(DeepfuseError, match="DEEPFUSE_ALARM: expected the address of a webhook"):
            alarms.set_up(client, ours)


def test_the_doctor_says_when_the_next_run_is_that_none_will_be_and_how_the_last_ended(client: Any) -> None:
    def findings() -> list[tuple[str, str]]:
        return [(each.level, each.about) for each in checks_servers.check_schedule()]

    assert findings()[0][0] == "fault"
    flow = client.create_flow_from_name("retrain")
    nightly = DeploymentScheduleCreate(schedule=CronSchedule(cron="0 3 * * *", timezone="UTC"), active=True)
    here = {"working_dir": str(Path.cwd())}
    deployment = client.create_deployment(flow, identity().name, schedules=[nightly], job_variables=here)
    soon = Scheduled(scheduled_time=datetime(2100, 1, 1, 3, tzinfo=UTC))
    make_run(client, deployment, soon)
    assert findings() == [("ok", "the next run is planned for 2100-01-01 03:00 UTC")]
    run = make_run(client, deployment, Running())
    client.set_flow_run_state(run, Crashed(message="its process died"), force=True)
    level, said = findings()[1]
    assert (level, said.partition(" as ")[2]) == ("fault", "Crashed: its process died")
    client.pause_deployment(deployment)
    assert findings()[0][0] == "fault"
