"""Choosing a model and an effort: within what the agent allows, remembered for the chat, recorded on the run, tried again with others."""

from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import Client
from django.urls import reverse

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.chat import actions
from agentos.chat.errors import InvalidInput
from agentos.chat.models import Run
from agentos.chat.runs import waiting
from agentos.chat.runs.engine import Engine
from tests.api.calls import ROOT, assert_refused, post
from tests.factories import AgentFactory

send = sync_to_async(actions.send_message)
retry = sync_to_async(actions.retry_run)
edit = sync_to_async(actions.edit_message)
save = sync_to_async(lambda agent: agent.save())
ECHO, EFFORT = "scripted:echo", "scripted:effort"


@pytest.fixture
def open_agent(db: None) -> DjangoAgent:
    """One that lets members choose."""
    return AgentFactory(agent_id="open", model=ECHO, choices=[EFFORT, "openai:gpt-5.4"], effort_choice=True, is_global=True)


async def ended(run: Run) -> Run:
    found = await waiting.ended(run, 20)
    assert found, "it took too long"
    return found


class TestChoices:
    async def test_are_answered_recorded_and_remembered(self, engine: Engine, open_agent: DjangoAgent, member: User) -> None:
        run = await ended(await send(by=member, agent=open_agent, text="Hello", model=EFFORT, effort="thorough"))
        assert (run.model, run.chosen_model, run.effort) == (EFFORT, EFFORT, "thorough")
        assert "thorough" in run.answer
        later = await ended(await send(by=member, session=run.session, text="Hello"))
        assert (later.model, later.effort) == (EFFORT, "thorough")
        back = await ended(await send(by=member, session=run.session, text="Hello", model=ECHO, effort="normal"))
        assert (back.model, back.chosen_model, back.effort, back.answer) == (ECHO, "", "", "Hello")

    async def test_are_for_one_answer_where_it_is_tried_again(self, engine: Engine, open_agent: DjangoAgent, member: User) -> None:
        run = await ended(await send(by=member, agent=open_agent, text="Hello"))
        again = await ended(await retry(run=run, by=member, model=EFFORT, effort="quick"))
        assert (again.model, again.effort, again.version) == (EFFORT, "quick", 2)
        assert (await ended(await retry(run=again, by=member))).model == EFFORT
        assert (await ended(await send(by=member, session=run.session, text="Hello"))).model == ECHO

    async def test_stay_with_a_message_that_is_edited(self, engine: Engine, open_agent: DjangoAgent, member: User) -> None:
        run = await ended(await send(by=member, agent=open_agent, text="Hello", model=EFFORT, effort="quick"))
        edited = await ended(await edit(run=run, text="Hello again", by=member))
        assert (edited.model, edited.effort) == (EFFORT, "quick")

    async def test_end_with_the_agents_permission(self, engine: Engine, open_agent: DjangoAgent, member: User) -> None:
        run = await ended(await send(by=member, agent=open_agent, text="Hello", model=EFFORT, effort="quick"))
        open_agent.choices, open_agent.effort_choice = [], False
        await save(open_agent)
        later = await ended(await send(by=member, session=run.session, text="Hello"))
        assert (later.model, later.effort) == (ECHO, "")
        assert (await ended(await retry(run=later, by=member))).model == ECHO

    async def test_that_wait_are_asked_again_when_they_begin(self, open_agent: DjangoAgent, member: User, transactional_db: None) -> None:
        run = await send(by=member, agent=open_agent, text="Hello", model=EFFORT, effort="quick")  # nothing drives it yet
        open_agent.choices = []
        await save(open_agent)
        engine = Engine()
        await engine.start()
        assert (await ended(run)).model == ECHO
        await engine.stop(0)


@pytest.mark.django_db
class TestRefused:
    @pytest.mark.parametrize(
        ("how", "field"),
        [({"model": "scripted:tool"}, "model"), ({"effort": "extreme"}, "effort")],
    )
    def test_is_what_the_agent_does_not_offer(self, open_agent: DjangoAgent, member: User, how: dict[str, str], field: str) -> None:
        with pytest.raises(InvalidInput) as refused:
            actions.send_message(by=member, agent=open_agent, text="Hello", **how)  # type: ignore[arg-type]
        assert refused.value.field == field
        assert not Run.objects.exists()

    def test_is_any_choice_of_an_agent_that_offers_none(self, everyone_agent: DjangoAgent, member: User) -> None:
        for how in ({"model": ECHO}, {"effort": "quick"}):
            with pytest.raises(InvalidInput):
                actions.send_message(by=member, agent=everyone_agent, text="Hello", **how)  # type: ignore[arg-type]
        actions.send_message(by=member, agent=everyone_agent, text="Hello", model=everyone_agent.model, effort="normal")

    def test_is_said_to_programs(self, open_agent: DjangoAgent, as_member: Client) -> None:
        body = {"agent_id": "open", "message": "Hello", "background": True}
        assert_refused(post(as_member, f"{ROOT}send-message/", {**body, "model": "scripted:tool"}), 422, "invalid_fields", "scripted:tool")
        sent = post(as_member, f"{ROOT}send-message/", {**body, "model": EFFORT, "effort": "quick"})
        assert sent.status_code == 202
        assert as_member.get(sent.json()["url"]).json()["effort"] == "quick"
        run = Run.objects.get()
        run.status = Run.Status.COMPLETED
        run.save()
        retried = f"{ROOT}runs/{run.run_id}/retry/"
        assert_refused(post(as_member, f"{retried}?model=scripted:tool", None), 422, "invalid_fields")
        assert_refused(post(as_member, f"{retried}?effort=extreme", None), 422, "invalid_fields")
        assert post(as_member, f"{retried}?effort=thorough", None).json()["effort"] == "thorough"

    def test_names_what_can_be_chosen_now(self, open_agent: DjangoAgent, as_member: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        agent = as_member.get(f"{ROOT}agents/open/").json()
        assert (agent["models"], agent["efforts"]) == ([ECHO, EFFORT], ["quick", "normal", "thorough"])


@pytest.mark.django_db
class TestPages:
    def run_of(self, agent: DjangoAgent, member: User, **how: Any) -> Run:
        run = actions.send_message(by=member, agent=agent, text="Hello", **how)
        Run.objects.filter(pk=run.pk).update(status=Run.Status.COMPLETED, model=run.chosen_model or ECHO)
        return run

    def test_offer_what_can_be_chosen(self, open_agent: DjangoAgent, as_member: Client, member: User) -> None:
        html = as_member.get(reverse("dashboard:chat", args=["open"])).content.decode()
        assert f'<option value="{EFFORT}"' in html
        assert '<option value="normal" selected>' in html
        run = self.run_of(open_agent, member, model=EFFORT, effort="quick")
        html = as_member.get(reverse("dashboard:session", args=[run.session.session_id])).content.decode()
        assert html.count(f'<option value="{EFFORT}" selected>') == 2  # the composer, and what it can be tried again with
        assert html.count('<option value="quick" selected>') == 2
        assert "· Quick" in " ".join(html.split())

    def test_offer_nothing_where_nothing_can_be_chosen(self, everyone_agent: DjangoAgent, as_member: Client) -> None:
        assert "<select" not in as_member.get(reverse("dashboard:chat", args=["assistant"])).content.decode()

    def test_send_and_try_again_with_what_was_chosen(self, open_agent: DjangoAgent, as_member: Client, member: User) -> None:
        as_member.post(reverse("dashboard:chat", args=["open"]), {"message": "Hello", "model": EFFORT, "effort": "quick"})
        run = Run.objects.get()
        assert (run.chosen_model, run.effort) == (EFFORT, "quick")
        Run.objects.update(status=Run.Status.COMPLETED)
        as_member.post(reverse("dashboard:retry", args=[run.run_id]), {"model": ECHO, "effort": "normal"})
        assert list(Run.objects.order_by("pk").values_list("chosen_model", "effort")) == [(EFFORT, "quick"), ("", "")]

    def test_say_what_is_wrong_and_keep_what_was_written(self, open_agent: DjangoAgent, as_member: Client) -> None:
        answer = as_member.post(reverse("dashboard:chat", args=["open"]), {"message": "Hello you", "model": "scripted:tool"})
        assert answer.status_code == 422
        html = answer.content.decode()
        assert "does not answer with the model scripted:tool" in html
        assert "Hello you" in html

    def test_keep_what_was_chosen_when_the_message_is_refused(self, open_agent: DjangoAgent, as_member: Client) -> None:
        answer = as_member.post(reverse("dashboard:chat", args=["open"]), {"message": " ", "model": EFFORT, "effort": "quick"})
        html = answer.content.decode()
        assert f'<option value="{EFFORT}" selected>' in html
        assert '<option value="quick" selected>' in html
