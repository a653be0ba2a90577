"""Errors of the gateway: our sentences, the right status, and nothing of what broke."""

import json
import logging

import pytest
from django.db import OperationalError
from django.test import RequestFactory

from agentos.chat import errors
from agentos.chat.models import Run
from agentos.core.faults import Fault
from agentos.core.http.errors import Problem
from agentos.gateway.errors import problem_of
from agentos.service import AgentNotFound, RunNotFound, SessionNotFound


def test_a_problem_is_itself() -> None:
    problem = Problem(418, "No.")
    assert problem_of(problem) is problem


@pytest.mark.parametrize(
    ("reason", "status", "code"),
    [
        (errors.InvalidInput("message", "Write first."), 422, "invalid_fields"),
        (errors.KeyReused("Used."), 422, "key_reused"),
        (errors.AgentClosed("Closed."), 409, "agent_closed"),
        (errors.AgentUnavailable("Away."), 503, "agent_unavailable"),
        (errors.QueueFull("Full."), 429, "too_many_requests"),
        (errors.TooMuch("Much.", {}), 429, "too_many_requests"),
        (errors.QuotaReached("Used up."), 402, "quota_reached"),
    ],
)
def test_an_error_of_an_action_keeps_its_sentence_and_has_a_code(reason: errors.ChatError, status: int, code: str) -> None:
    problem = problem_of(reason)
    assert (problem.status, problem.code) == (status, code)
    answer = json.loads(problem.answer(RequestFactory().get("/api/v1/agentos/fastapi/agents")).content)
    assert answer["error"] == ("message: Write first." if isinstance(reason, errors.InvalidInput) else reason.sentence)


def test_it_says_when_to_come_back() -> None:
    assert problem_of(errors.TooMuch("Much.", {"Retry-After": "42"})).headers["Retry-After"] == "42"
    assert problem_of(errors.AgentUnavailable("Away.")).headers["Retry-After"] == "10"
    assert "Retry-After" not in problem_of(errors.TooMuch("Much.", {})).headers  # the limit knows, and nobody else
    assert "Retry-After" not in problem_of(errors.WrongState("No.")).headers


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (AgentNotFound(), "agent_not_found"),
        (SessionNotFound(), "session_not_found"),
        (RunNotFound(), "run_not_found"),
        (Run.DoesNotExist(), "run_not_found"),
    ],
)
def test_what_is_not_there_is_404(reason: Exception, code: str, caplog: pytest.LogCaptureFixture) -> None:
    problem = problem_of(reason)
    assert (problem.status, problem.code) == (404, code)
    assert not caplog.records


def test_what_broke_is_logged_and_not_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        problem = problem_of(RuntimeError("sk-secret"))
    assert problem.status == 500
    assert "sk-secret" not in f"{problem.sentence}{problem.code}"
    assert "sk-secret" in caplog.text


@pytest.mark.parametrize(("status", "told"), [(499, "Something"), (500, "Its own words."), (507, "Its own words.")])
def test_a_fault_of_the_server_is_told_in_its_own_words(status: int, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentos.core.http.errors.fault_of", lambda _: Fault("full", status, "A line.", "Its own words.", "disk_full"))
    problem = problem_of(RuntimeError("broke"))
    assert (problem.sentence or "Something").startswith(told)
    assert problem.status == max(status, 500)


def test_a_database_that_is_away_is_503() -> None:
    problem = problem_of(OperationalError("could not connect"))
    assert problem.status == 503
    assert int(problem.headers["Retry-After"]) > 0
    assert "could not connect" not in problem.sentence
