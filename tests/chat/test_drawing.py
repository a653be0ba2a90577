"""A turn that has ended is drawn once, and is never shown otherwise than it would be drawn now."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.urls import get_script_prefix, set_script_prefix
from django.utils import timezone, translation
from django.utils.safestring import SafeString

from agentos.access.models import User
from agentos.agents.choosing import Choices
from agentos.agents.events import Failed, Finished
from agentos.agents.models import DjangoAgent
from agentos.chat import actions, drawing
from agentos.chat.drawing import key_of, render_turn, render_turns
from agentos.chat.live.transcript import open_transcript
from agentos.chat.live.turns import TurnView
from agentos.chat.models import ChatSession, Feedback, Run
from agentos.chat.runs.claiming import claim_next
from agentos.chat.runs.ending import end_run
from agentos.core import clock
from agentos.core.fragments import STAND_IN, draw_without_token
from agentos.core.rendering.kept import kept

ANSWER = [{"kind": "text", "text": "An **answer** that is long enough."}]


@pytest.fixture
def ended(session: ChatSession, member: User) -> Run:
    """The last turn of a chat of two, which failed half-way."""
    for event in (Finished(), Failed("model_auth")):
        actions.send_message(by=member, session=session, text="Question")
        run = claim_next(session.pk, timedelta(seconds=30))
        assert run is not None
        end_run(run_pk=run.pk, event=event, attempt=1)
        Run.objects.filter(pk=run.pk).update(parts=ANSWER)
    return Run.objects.get(session=session, turn=2)


@pytest.fixture
def drawings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The turns that are drawn, by their ids."""
    drawn: list[str] = []

    def draw(template: str, context: dict[str, TurnView]) -> SafeString:
        drawn.append(context["turn"].id)
        return draw_without_token(template, context)

    monkeypatch.setattr(drawing, "draw_without_token", draw)
    return drawn


def views(run: Run, *, may_write: bool = True) -> list[TurnView]:
    """The turns of the chat as a page reads them."""
    return open_transcript(ChatSession.objects.get(pk=run.session_id), may_write=may_write).turns


def shown(run: Run, **how: bool) -> list[str]:
    return [str(html) for html in render_turns(views(run, **how))]


def rename_agent(run: Run) -> None:
    DjangoAgent.objects.update(name="Somebody Else")


def judge(run: Run) -> None:
    actions.give_feedback(run=run, value=1, note="", by=run.by)


def note(run: Run) -> None:
    actions.give_feedback(run=run, value=1, note="Well said", by=run.by)


def judge_behind_its_back(run: Run) -> None:
    """As an operator's query might."""
    Feedback.objects.create(run=run, by=run.by, value=-1)


def send_another(run: Run) -> None:
    actions.send_message(by=run.by, session=run.session, text="Go on")


def try_again(run: Run) -> None:
    actions.retry_run(run=run, by=run.by)


def erase(run: Run) -> None:
    actions.erase_run(run=run, by=run.by)


def make_operator(run: Run) -> None:
    """Who is told what a failure lacks."""
    User.objects.filter(pk=run.by_id).update(is_staff=True)


@contextmanager
def below(prefix: str) -> Iterator[None]:
    before = get_script_prefix()
    set_script_prefix(prefix)
    yield
    set_script_prefix(before)


class TestAnEndedTurn:
    def test_is_drawn_once_for_all_who_look(self, ended: Run, drawings: list[str]) -> None:
        assert shown(ended) == shown(ended)
        assert drawings == ["turn-1", "turn-2"]

    def test_is_rendered_once(self, ended: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        """What has to be rendered for it is not even asked for."""
        shown(ended)
        monkeypatch.setattr(TurnView, "parts", property(lambda view: pytest.fail("Its parts were rendered.")))
        monkeypatch.setattr(TurnView, "said", property(lambda view: pytest.fail("Its message was rendered.")))
        assert len(shown(ended)) == 2

    @pytest.mark.parametrize("change", [rename_agent, judge, note, judge_behind_its_back, send_another, try_again, erase, make_operator])
    def test_is_shown_as_it_is_after_a_change(self, ended: Run, change: Callable[[Run], None]) -> None:
        before = shown(ended)
        change(ended)
        after = shown(ended)
        kept.clear()
        assert after == shown(ended) != before

    def test_loses_a_judgement_that_is_taken_back(self, ended: Run) -> None:
        before = shown(ended)
        actions.give_feedback(run=ended, value=1, note="", by=ended.by)
        shown(ended)
        actions.give_feedback(run=ended, value=None, note="", by=ended.by)
        [_, last] = shown(ended)
        assert 'aria-pressed="true"' not in last
        assert last.replace("data-revision", "") != before[1]  # its revision is another one

    def test_offers_what_this_viewer_may_do(self, ended: Run) -> None:
        for may_write in (True, False, True):
            first, last = shown(ended, may_write=may_write)
            assert ("Fork here" in first, "Try again" in first) == (may_write, False)
            assert ("Fork here" in last, "Try again" in last, "Continue" in last) == (may_write, may_write, may_write)

    @pytest.mark.parametrize(
        "where",
        [translation.override("de"), timezone.override(ZoneInfo("Asia/Tokyo")), below("/other/")],
        ids=["another language", "another time zone", "another path"],
    )
    def test_is_another_one_elsewhere(self, ended: Run, drawings: list[str], where: AbstractContextManager[None]) -> None:
        here = shown(ended)
        with where:
            there = shown(ended)
            kept.clear()
            assert there == shown(ended)
        assert len(drawings) == 6
        assert shown(ended) == here

    def test_has_the_time_of_its_message_in_the_zone_of_whoever_looks(self, ended: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        noon = clock.now().replace(hour=12)  # the same day in both zones
        monkeypatch.setattr(clock, "now", lambda: noon)
        Run.objects.update(created_at=noon.replace(hour=3, minute=7))
        Run.objects.update(revision=99)
        assert ">03:07</time>" in shown(ended)[0]
        with timezone.override(ZoneInfo("Asia/Kathmandu")):
            assert ">08:52</time>" in shown(ended)[0]

    def test_has_the_date_of_its_message_from_tomorrow_on(self, ended: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        today = clock.now()
        assert f">{timezone.localtime(ended.created_at):%H:%M}</time>" in shown(ended)[1]
        monkeypatch.setattr(clock, "now", lambda: today + timedelta(days=1))
        assert f">{ended.created_at.day} {ended.created_at:%b}, " in shown(ended)[1]

    def test_depends_on_nothing_that_its_key_does_not_name(self, ended: Run) -> None:
        """Whatever the view of a turn is given besides its run, the run's answer, and its files, which the run counts."""
        view = views(ended)[1]
        others: dict[str, Any] = {"agent_name": "X", "is_last": not view.is_last, "may_write": not view.may_write, "missing": "A key."}
        others |= {"tests_of": "agent", "choices": Choices(models=(("scripted:echo", "Echo"),))}
        assert set(others) == {field.name for field in fields(TurnView)} - {
            "run",
            "answer",
            "refused",
            "files",
        }  # run.file_count stands for them
        assert len({key_of(view), *(key_of(replace(view, **{name: value})) for name, value in others.items())}) == len(others) + 1

    def test_is_told_by_what_changes_its_run(self, ended: Run) -> None:
        keys = {key_of(views(ended)[1])}
        for change in ({"revision": 98}, {"status": Run.Status.STOPPED}, {"run_id": "run_another"}):
            Run.objects.filter(pk=ended.pk).update(**change)
            keys.add(key_of(views(ended)[1]))
        assert len(keys) == 4


class TestTheToken:
    def test_is_each_viewers_own(self, ended: Run) -> None:
        _, last = views(ended)
        for token in ("first", "second"):
            html = render_turn(last, token)
            assert html.count(f'name="csrfmiddlewaretoken" value="{token}"') == html.count("<form") > 4
            assert STAND_IN not in html

    def test_is_not_in_what_a_stream_sends(self, ended: Run) -> None:
        assert not any("csrfmiddlewaretoken" in html for html in shown(ended))


class TestATurnThatHasNotEnded:
    @pytest.mark.parametrize("status", [Run.Status.QUEUED, Run.Status.RUNNING, Run.Status.WAITING])
    def test_is_drawn_every_time(self, ended: Run, drawings: list[str], status: str) -> None:
        Run.objects.filter(pk=ended.pk).update(status=status, started_at=clock.now())
        shown(ended)
        shown(ended)
        assert drawings == ["turn-1", "turn-2", "turn-2"]

    def test_is_not_taken_for_what_it_was_before(self, ended: Run, member: User) -> None:
        """An answer that waits, is given what it asked, and ends."""
        shown(ended)
        Run.objects.filter(pk=ended.pk).update(status=Run.Status.WAITING, requirements=[])
        assert "Waiting for you" in shown(ended)[1]
