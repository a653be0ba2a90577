"""What an answer has cost: by its provider's own word, by the price list, nothing, or not known. Never nothing for what is not known."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from agentos.access.models import User
from agentos.agents import runtime
from agentos.agents.events import Finished, Usage
from agentos.agents.prices import in_words
from agentos.chat import actions
from agentos.chat.models import ChatSession, Run, RunEvent
from agentos.chat.runs.claiming import claim_next
from agentos.chat.runs.ending import end_run
from tests.agents.fakes import Exchange, FakeServer, play
from tests.api.calls import ROOT

TOKENS = {"input_tokens": 1000, "output_tokens": 100}
THEIRS = {**TOKENS, "told": "0.0004"}
OTHER = {**TOKENS, "model": "openai:gpt-4.1-mini"}  # 0.4 and 1.6 dollars a million


def ended(session: ChatSession, member: User, model: str, *usage: dict[str, Any]) -> Run:
    actions.send_message(by=member, session=session, text="hello")
    run = claim_next(session.pk, timedelta(seconds=30))
    assert run is not None
    Run.objects.filter(pk=run.pk).update(model=model)
    lines = [("text", {"text": "Hello."}), *(("usage", data) for data in usage)]
    RunEvent.objects.bulk_create(RunEvent(run=run, seq=seq, attempt=1, kind=kind, data=data) for seq, (kind, data) in enumerate(lines, 1))
    assert end_run(run_pk=run.pk, event=Finished(), attempt=1)
    run.refresh_from_db()
    return run


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("model", "usage", "micro", "source"),
    [
        ("openai:gpt-4.1", [TOKENS], 2800, "list"),
        ("openai:gpt-4.1", [TOKENS, TOKENS], 5600, "list"),
        ("openai:gpt-4.1", [{**TOKENS, "cached": 1000}], 1300, "list"),
        ("openai:gpt-4.1", [TOKENS, OTHER], 2800 + 560, "list"),  # a member of a team has another model
        ("openai:gpt-4.1", [THEIRS], 400, "provider"),
        ("openai:gpt-4.1", [THEIRS, TOKENS], 3200, "list"),
        ("openai:nobody-knows", [TOKENS], None, ""),
        ("openai:gpt-4.1", [TOKENS, {**TOKENS, "model": "openai-like:mystery"}], None, ""),
        ("openai:gpt-4.1", [], None, ""),  # its provider told of no tokens
        ("local:smollm2", [], 0, "free"),
        ("scripted:echo", [TOKENS], 0, "free"),
    ],
)
def test_are_kept_with_the_run(session: ChatSession, member: User, model: str, usage: list[Any], micro: int | None, source: str) -> None:
    run = ended(session, member, model, *usage)
    assert (run.cost_micro, run.price_source, run.currency) == (micro, source, "USD" if source else "")


@pytest.mark.django_db
def test_are_shown_with_the_answer_and_in_the_api(session: ChatSession, member: User, as_member: Client) -> None:
    run = ended(session, member, "openai:gpt-4.1", {**TOKENS, "cached": 400, "reasoning": 60})
    html = as_member.get(f"/agentos/session/{session.session_id}/").content.decode()
    assert "$0.0022" in html
    told = as_member.get(f"{ROOT}runs/{run.run_id}/").json()
    assert told["cost"] == {"micro": 2200, "currency": "USD", "source": "list"}
    assert (told["cached_tokens"], told["reasoning_tokens"]) == (400, 60)
    free = ended(session, member, "local:smollm2", TOKENS)
    assert as_member.get(f"{ROOT}runs/{free.run_id}/").json()["cost"]["micro"] == 0
    unknown = ended(session, member, "openai-like:mystery", TOKENS)
    assert as_member.get(f"{ROOT}runs/{unknown.run_id}/").json()["cost"] is None


@pytest.mark.parametrize(("micro", "words"), [(2200, "$0.0022"), (12_345_678, "$12.35"), (3, "$0.000003"), (1_234, "$0.0012")])
def test_are_read_by_people(micro: int, words: str) -> None:
    assert in_words(micro, "USD") == words


class TestOfTheProvider:
    @pytest.fixture(autouse=True)
    async def closed(self) -> AsyncIterator[None]:
        yield
        await runtime.close()

    async def usage(self, settings: Any, told: dict[str, Any]) -> Usage:
        async def answers(exchange: Exchange) -> None:
            await exchange.start()
            await exchange.delta(role="assistant", content="Hi.")
            usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10, **told}
            await exchange.raw({"choices": [], "usage": usage})
            await exchange.raw(None)

        async with FakeServer(answers) as server:
            settings.AGENTOS_OPENAI_LIKE_URL = server.url + "/v1"
            events = await play("openai-like:m")
        return next(event for event in events if isinstance(event, Usage))

    async def test_counts_as_it_says(self, settings: Any) -> None:
        details = {"prompt_tokens_details": {"cached_tokens": 5}, "completion_tokens_details": {"reasoning_tokens": 2}}
        usage = await self.usage(settings, {"cost": 0.00015, **details})
        assert (usage.told, usage.cached, usage.reasoning) == ("0.00015", 5, 2)

    @pytest.mark.parametrize("cost", [-1, float("nan"), "free", True, 1e9])
    async def test_is_not_believed_when_it_is_no_cost(self, settings: Any, cost: Any) -> None:
        assert (await self.usage(settings, {"cost": cost})).told == ""
