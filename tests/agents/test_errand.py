"""The errand of the demo: through all of its tools, and only as far as a person lets it."""

from dataclasses import replace
from typing import Any

import pytest
from django.core import mail

from agentos.agents import demo, runtime
from agentos.agents.events import Finished, ToolFailed, ToolFinished, Waiting
from tests.agents.fakes import go_on, play, spec, text_of

pytestmark = pytest.mark.django_db(transaction=True)
AGENT = replace(spec(demo.ERRAND), options={"send-mail": {"domains": ["example.com"]}})


def results(events: list[Any]) -> dict[str, str]:
    return {event.name: event.result for event in events if isinstance(event, ToolFinished)}


async def asked() -> tuple[list[Any], Waiting]:
    events = await play(AGENT, "Find out what tea costs, and tell the team.")
    end = events[-1]
    assert isinstance(end, Waiting)
    return events, end


async def test_searches_reads_calculates_draws_and_asks() -> None:
    events, end = await asked()
    said = results(events)
    assert list(said) == ["web_search", "fetch_page", "run_python", "make_chart"]
    assert "rehearsal.example/prices" in said["web_search"]
    assert said["run_python"].strip() == "From 31 to 44 EUR a kilogram in 5 years: +41.9% in all,\n+7.3% a year."
    (chart,) = [event.shown for event in events if isinstance(event, ToolFinished) and event.shown]
    assert (chart["labels"][0], chart["series"][0]["values"][-1]) == ("2020", 44)
    (requirement,) = end.requirements
    assert (requirement["name"], requirement["args"]["to"]) == ("send_mail", ["team@example.com"])
    assert "+41.9% in all" in requirement["args"]["text"]
    assert mail.outbox == []


async def test_sends_what_was_approved() -> None:
    _, end = await asked()
    events = await go_on(AGENT, end.output, runtime.Answer(end.requirements[0]["call_id"]))
    assert isinstance(events[-1], Finished)
    (letter,) = mail.outbox
    assert (letter.to, letter.body) == (["team@example.com"], end.requirements[0]["args"]["text"])
    assert "+41.9% in all" in text_of(events)
    assert "The mail to team@example.com was sent." in text_of(events)


async def test_sends_nothing_that_was_refused() -> None:
    _, end = await asked()
    events = await go_on(AGENT, end.output, runtime.Answer(end.requirements[0]["call_id"], confirmed=False))
    assert [event.name for event in events if isinstance(event, ToolFailed)] == ["send_mail"]
    assert isinstance(events[-1], Finished)
    assert mail.outbox == []


async def test_ends_when_there_is_nothing_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentos.agents.runtime.errand.PAGE", "https://rehearsal.example/tea")
    events = await play(AGENT, "Go.")
    assert list(results(events)) == ["web_search", "fetch_page"]
    assert text_of(events).startswith("The page of prices could not be read")
