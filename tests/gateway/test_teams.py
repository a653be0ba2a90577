"""Teams as Agno's own client finds, runs and answers them, below ``/teams``: in the words for teams, by the rules for agents."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from agno.db.base import SessionType
from agno.run import team as told
from agno.run.base import RunStatus
from agno.team import RemoteTeam
from agno.utils.http import aclose_default_clients
from asgiref.sync import sync_to_async
from django.db import connections
from django.test.utils import CaptureQueriesContext

from agentos.access.models import User
from agentos.agents import actions
from agentos.agents.models import DjangoAgent
from agentos.audit.models import AuditRecord
from agentos.chat.models import ChatSession, Run
from agentos.chat.runs.engine import Engine
from agentos.core import db as db_module
from tests.factories import AgentFactory, ChatSessionFactory, RunFactory
from tests.gateway.conftest import until

Headers = dict[str, str]


def make_crew(*models: str, agent_id: str = "crew", **fields: Any) -> DjangoAgent:
    """A team whose leader gives the message to each member."""
    crew = AgentFactory(agent_id=agent_id, name="Crew", description="Works together.", model="scripted:lead", kind="team", **fields)
    members = [AgentFactory(name=f"Member {n}", model=model) for n, model in enumerate(models, start=1)]
    actions.set_members(team=crew, members=[(member, "") for member in members], by=None)
    return crew


async def all_of(events: Any) -> list[Any]:
    return [event async for event in events]


def of_kind(events: list[Any], kind: type) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


@pytest.fixture
def team(db: None) -> Any:
    return lambda *models: sync_to_async(make_crew)(*models, is_global=True)


@pytest.mark.server
class TestAgnosClient:
    async def test_finds_the_teams_of_its_user_with_their_members(self, client: Any, headers: Headers, team: Any) -> None:
        await team("scripted:echo", "scripted:tool")
        for kind in ("agent", "steps", "code"):
            await sync_to_async(AgentFactory)(agent_id=kind, kind=kind, is_global=True)
        await sync_to_async(make_crew)("scripted:echo", agent_id="secret")
        found = await client.aget_team("crew", headers=headers)
        assert (found.id, found.name, found.description, found.db_id) == ("crew", "Crew", "Works together.", "agentos")
        assert [member.name for member in found.members] == ["Member 1", "Member 2"]
        assert [each.id for each in await client.list_teams(headers=headers)] == ["crew"]
        config = await client.aget_config(headers=headers)
        assert [each.id for each in config.teams] == ["crew"]
        assert "crew" in {each.id for each in config.agents}  # whoever knows of no teams finds it there

    async def test_is_told_nothing_of_how_a_team_is_made(self, address: str, headers: Headers, team: Any) -> None:
        await team("scripted:echo")
        async with httpx.AsyncClient(base_url=address, headers=headers) as http:
            for path in ("/teams", "/teams/crew", "/config"):
                text = (await http.get(path)).text
                assert "SECRET-INSTRUCTIONS" not in text
                assert "scripted" not in text
            assert "streaming" not in (await http.get("/teams/crew")).json()  # of members only their calls are told while they work
            assert (await http.get("/teams")).json() == [(await http.get("/teams/crew")).json()]

    async def test_runs_a_team(self, client: Any, headers: Headers, team: Any, owner: User) -> None:
        await team("scripted:echo", "scripted:tool")
        output = await client.run_team("crew", "Say hello.", headers=headers)
        run = await Run.objects.select_related("session").aget()
        assert (output.team_id, output.team_name, output.status) == ("crew", "Crew", RunStatus.completed)
        assert (output.run_id, output.session_id, output.content) == (run.run_id, run.session.session_id, run.answer)
        assert output.input.input_content == "Say hello."
        assert [each.tool_name for each in output.tools] == ["delegate_task_to_member"] * 2
        first, second = output.member_responses
        assert (first.agent_name, first.content, first.status, first.parent_run_id) == ("Member 1", "Say hello.", "COMPLETED", run.run_id)
        assert [(each.tool_name, each.result) for each in second.tools] == [("multiply", "425")]
        assert isinstance(output, told.TeamRunOutput)
        assert await AuditRecord.objects.filter(verb="chat.message.sent", object_id=run.run_id, actor=owner).aexists()

    async def test_streams_what_a_team_does(self, client: Any, headers: Headers, team: Any) -> None:
        await team("scripted:echo")
        events = [event async for event in client.run_team_stream("crew", "Say hello.", headers=headers)]
        run = await Run.objects.aget()
        assert isinstance(events[0], told.RunStartedEvent)
        assert isinstance(events[-1], told.RunCompletedEvent)
        assert {(event.run_id, event.team_id) for event in events} == {(run.run_id, "crew")}
        said = "".join(event.content for event in of_kind(events, told.RunContentEvent))
        assert said.strip() == run.answer == events[-1].content
        (began,) = of_kind(events, told.ToolCallStartedEvent)
        (ended,) = of_kind(events, told.ToolCallCompletedEvent)
        assert began.tool.tool_name == ended.tool.tool_name == "delegate_task_to_member"
        assert ended.tool.result == "Say hello."
        assert [each.content for each in events[-1].member_responses] == ["Say hello."]

    async def test_approves_what_a_member_asks(self, client: Any, headers: Headers, team: Any) -> None:
        await team("scripted:approve")
        paused = await client.run_team("crew", "Write to Ada", headers=headers)
        assert paused.is_paused
        assert [each.status for each in paused.member_responses] == ["PAUSED"]
        (requirement,) = paused.requirements
        requirement.confirm()
        output = await client.continue_team_run("crew", paused.run_id, paused.requirements, session_id=paused.session_id, headers=headers)
        run = await Run.objects.aget()
        assert isinstance(output, told.TeamRunOutput)
        assert (output.status, output.content) == (RunStatus.completed, run.answer)
        assert [each.status for each in output.member_responses] == ["COMPLETED"]

    async def test_refuses_and_streams_what_follows(self, client: Any, headers: Headers, team: Any) -> None:
        await team("scripted:approve")
        events = [event async for event in client.run_team_stream("crew", "Write to Ada", headers=headers)]
        (paused,) = of_kind(events[-1:], told.RunPausedEvent)
        (requirement,) = paused.requirements
        assert requirement.member_agent_name == "Member 1"
        requirement.reject("Not today.")
        after = [event async for event in client.continue_team_run_stream("crew", paused.run_id, [requirement], headers=headers)]
        assert isinstance(after[0], told.RunContinuedEvent)
        assert isinstance(after[-1], told.RunCompletedEvent)
        answers = (await Run.objects.aget()).answers
        assert [(answer["confirmed"], answer["note"]) for answer in answers] == [(False, "Not today.")]

    async def test_fills_in_the_form_of_a_member(self, client: Any, headers: Headers, team: Any) -> None:
        await team("scripted:ask")
        paused = await client.run_team("crew", "Book", headers=headers)
        (requirement,) = paused.requirements
        values = {"city": "Oslo", "nights": 3}
        requirement.provide_user_input(values)
        output = await client.continue_team_run("crew", paused.run_id, [requirement], headers=headers)
        assert output.status == RunStatus.completed
        assert (await Run.objects.aget()).answers[0]["values"] == values

    async def test_cancels_a_run(self, client: Any, headers: Headers, team: Any) -> None:
        await team("scripted:hang@3x1")
        listening = asyncio.create_task(all_of(client.run_team_stream("crew", "Hello", headers=headers)))
        run = await until(lambda: Run.objects.filter(status="running", events__kind="text").afirst())
        await client.cancel_team_run("crew", run.run_id, headers=headers)
        assert isinstance((await listening)[-1], told.RunCancelledEvent)
        assert (await Run.objects.aget()).status == Run.Status.STOPPED

    async def test_is_told_of_a_failure_in_our_words(self, client: Any, headers: Headers, team: Any) -> None:
        crew = await team("scripted:echo")
        await DjangoAgent.objects.filter(pk=crew.pk).aupdate(model="scripted:auth")
        events = [event async for event in client.run_team_stream("crew", "Hello", headers=headers)]
        assert isinstance(events[-1], told.RunErrorEvent)
        assert (events[-1].error_type, events[-1].team_id) == ("model_auth", "crew")
        output = await client.run_team("crew", "Hello", headers=headers)
        assert output.status == RunStatus.error
        assert "sk-scripted" not in str([events, output])

    async def test_keeps_sessions_with_teams(self, client: Any, headers: Headers, team: Any, owner: User) -> None:
        await team("scripted:echo")
        await sync_to_async(ChatSessionFactory)(user=owner, agent=await sync_to_async(AgentFactory)(is_global=True))
        opened = await client.create_session(SessionType.TEAM, team_id="crew", session_name="Plans", headers=headers)
        assert (opened.team_id, opened.session_name) == ("crew", "Plans")
        output = await client.run_team("crew", "Hello", session_id=opened.session_id, headers=headers)
        assert output.session_id == opened.session_id
        listed = await client.get_sessions(session_type=SessionType.TEAM, component_id="crew", headers=headers)
        assert [each.session_id for each in listed.data] == [opened.session_id]
        assert len((await client.get_sessions(session_type=SessionType.TEAM, headers=headers)).data) == 1
        assert len((await client.get_sessions(headers=headers)).data) == 2
        found = await client.get_session(opened.session_id, session_type=SessionType.TEAM, headers=headers)
        assert found.team_id == "crew"
        assert (found.chat_history[0]["content"], found.chat_history[-1]["content"]) == ("Hello", output.content)
        (run,) = await client.get_session_runs(opened.session_id, session_type=SessionType.TEAM, headers=headers)
        assert (run.run_id, run.team_id, run.run_input, run.content) == (output.run_id, "crew", "Hello", output.content)
        renamed = await client.rename_session(opened.session_id, "Other plans", session_type=SessionType.TEAM, headers=headers)
        assert (renamed.team_id, renamed.session_name) == ("crew", "Other plans")
        named = [await client.run_team("crew", "Hello", session_id="my chat", headers=headers) for _ in range(2)]
        assert named[0].session_id == named[1].session_id != "my chat"
        for session_id in (opened.session_id, "my chat"):
            await client.delete_session(session_id, headers=headers)
        assert (await client.get_sessions(session_type=SessionType.TEAM, headers=headers)).data == []


@pytest.mark.server
async def test_a_remote_team_is_a_team_like_any_other(address: str, headers: Headers, team: Any) -> None:
    await team("scripted:approve")
    remote: Any = RemoteTeam(base_url=address, team_id="crew")
    token = headers["Authorization"].removeprefix("Bearer ")
    events = await all_of(remote.arun("Write", stream=True, stream_events=True, user_id="me", auth_token=token))
    (paused,) = of_kind(events, told.RunPausedEvent)
    paused.requirements[0].confirm()
    done = await remote.acontinue_run(paused.run_id, paused.requirements, session_id=paused.session_id, auth_token=token)
    assert isinstance(done, told.TeamRunOutput)
    assert done.status == RunStatus.completed
    await aclose_default_clients()


class TestTheRoutes:
    async def test_run_and_read_in_the_background(self, http: httpx.AsyncClient, engine: Engine, headers: Headers, team: Any) -> None:
        await team("scripted:echo")
        form = {"message": "Hello", "stream": "false", "background": "true"}
        begun = await http.post("/teams/crew/runs", headers=headers, data=form)
        assert begun.status_code == 202
        run_id, session_id = begun.json()["run_id"], begun.json()["session_id"]
        await until(lambda: Run.objects.filter(status=Run.Status.COMPLETED).afirst())
        read = (await http.get(f"/teams/crew/runs/{run_id}", headers=headers)).json()
        assert (read["run_id"], read["team_id"], read["status"]) == (run_id, "crew", "COMPLETED")
        (listed,) = (await http.get("/teams/crew/runs", headers=headers, params={"session_id": session_id})).json()
        assert (listed["run_id"], listed["team_id"]) == (run_id, "crew")
        resumed = await http.post(f"/teams/crew/runs/{run_id}/resume", headers=headers, data={})
        events = [json.loads(line[6:]) for line in resumed.text.splitlines() if line.startswith("data: ")]
        assert [events[1]["event"], events[-1]["event"]] == ["TeamRunStarted", "TeamRunCompleted"]
        seen = next(event["event_index"] for event in events if event.get("event") == "TeamToolCallCompleted")
        rest = (await http.post(f"/teams/crew/runs/{run_id}/resume", headers=headers, data={"last_event_index": seen})).text
        assert "TeamRunCompleted" in rest
        assert "TeamRunStarted" not in rest

    async def test_stream_in_the_background_with_an_index(
        self, http: httpx.AsyncClient, engine: Engine, headers: Headers, team: Any
    ) -> None:
        await team("scripted:echo")
        answer = await http.post("/teams/crew/runs", headers=headers, data={"message": "Hello", "background": "true"})
        events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
        assert [events[0]["event"], events[-1]["event"]] == ["TeamRunStarted", "TeamRunCompleted"]
        assert [event["event_index"] for event in events] == sorted(event["event_index"] for event in events)

    async def test_are_there_for_teams_alone(self, http: httpx.AsyncClient, headers: Headers, team: Any) -> None:
        await team("scripted:echo")
        await sync_to_async(AgentFactory)(agent_id="assistant", is_global=True)
        for path in ("/teams/assistant", "/teams/nobody"):
            assert (await http.get(path, headers=headers)).status_code == 404
        answer = await http.post("/teams/assistant/runs", headers=headers, data={"message": "Hello"})
        assert (answer.status_code, answer.headers["X-Error-Code"]) == (404, "agent_not_found")
        assert not await Run.objects.aexists()
        assert (await http.get("/agents/crew", headers=headers)).status_code == 200

    async def test_are_closed_for_a_team_that_one_may_not_use(self, http: httpx.AsyncClient, headers: Headers, db: None) -> None:
        await sync_to_async(make_crew)("scripted:echo", agent_id="secret")
        assert (await http.get("/teams", headers=headers)).json() == []
        assert (await http.get("/teams/secret", headers=headers)).status_code == 404
        assert (await http.post("/teams/secret/runs", headers=headers, data={"message": "Hello"})).status_code == 404
        created = await http.post("/sessions", headers=headers, params={"type": "team"}, json={"team_id": "secret"})
        assert created.status_code == 404
        assert not await ChatSession.objects.aexists()

    async def test_find_no_session_with_an_agent(self, http: httpx.AsyncClient, headers: Headers, team: Any, owner: User) -> None:
        await team("scripted:echo")
        agent = await sync_to_async(AgentFactory)(agent_id="assistant", is_global=True)
        session = await sync_to_async(ChatSessionFactory)(user=owner, agent=agent)
        as_team = {"type": "team"}
        assert (await http.get(f"/sessions/{session.session_id}", headers=headers, params=as_team)).status_code == 404
        answer = await http.post("/teams/crew/runs", headers=headers, data={"message": "Hello", "session_id": session.session_id})
        assert answer.status_code in {404, 409}, answer.text
        for body in ({"team_id": "assistant"}, {"agent_id": "assistant"}, {"team_id": "crew", "session_id": session.session_id}):
            answer = await http.post("/sessions", headers=headers, params=as_team, json=body)
            assert answer.status_code in {404, 409}, answer.text
        assert await ChatSession.objects.acount() == 1

    @pytest.mark.parametrize(
        "requirements",
        [
            "",
            "nonsense",
            "{}",
            "[]",
            "[5]",
            "[{}]",
            '[{"tool_execution": 5}]',
            '[{"tool_execution": {}, "confirmation": "yes"}]',
            '[{"tool_execution": {"tool_call_id": "1"}, "user_input_schema": [5]}]',
            '[{"tool_execution": {"tool_call_id": "1"}, "user_input_schema": 5}]',
        ],
    )
    async def test_say_what_is_wrong_with_an_answer(
        self,
        http: httpx.AsyncClient,
        headers: Headers,
        team: Any,
        owner: User,
        requirements: str,
    ) -> None:
        crew = await team("scripted:approve")
        session = await sync_to_async(ChatSessionFactory)(user=owner, agent=crew)
        run = await sync_to_async(RunFactory)(session=session, by=owner)
        answer = await http.post(f"/teams/crew/runs/{run.run_id}/continue", headers=headers, data={"requirements": requirements})
        assert answer.status_code in {400, 422}, answer.text
        assert answer.json()["success"] is False

    async def test_make_no_call_that_was_changed(self, http: httpx.AsyncClient, engine: Engine, headers: Headers, team: Any) -> None:
        await team("scripted:approve")
        paused = (await http.post("/teams/crew/runs", headers=headers, data={"message": "Write", "stream": "false"})).json()
        (requirement,) = paused["requirements"]
        changes: tuple[dict[str, Any], ...] = (
            {"tool_execution": requirement["tool_execution"] | {"tool_args": {"to": "Mallory"}}, "confirmation": True},
            {"external_execution_result": "Sent.", "confirmation": True},
            {"confirmation": None},
        )
        for change in changes:
            sent = json.dumps([requirement | change])
            answer = await http.post(
                f"/teams/crew/runs/{paused['run_id']}/continue", headers=headers, data={"requirements": sent, "stream": "false"}
            )
            assert (answer.status_code, answer.headers["X-Error-Code"]) == (422, "invalid_fields"), answer.text
        assert (await Run.objects.aget()).status == Run.Status.WAITING


async def test_a_long_list_takes_no_more_queries_than_a_short_one(
    http: httpx.AsyncClient,
    headers: Headers,
    db: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counts: list[int] = []
    work = db_module.keep_connection

    def counted(*args: Any, **kwargs: Any) -> Any:
        with CaptureQueriesContext(connections["default"]) as queries:
            found = work(*args, **kwargs)
        counts[-1] += len(queries)
        return found

    await http.get("/teams", headers=headers)
    monkeypatch.setattr(db_module, "keep_connection", counted)
    for more in (range(1), range(1, 12)):
        for number in more:
            await sync_to_async(make_crew)("scripted:echo", "scripted:tool", agent_id=f"crew-{number}", is_global=True)
        counts.append(0)
        assert len((await http.get("/teams", headers=headers)).json()) == more.stop
    assert counts[0] == counts[1]
