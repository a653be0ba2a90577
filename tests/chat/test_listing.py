"""Chats as a program walks through them: all of them, each once, as far as they fit what is asked for."""

from typing import Any

import pytest

from agentos.access.models import User
from agentos.chat.listing import listed_session, page_of_sessions
from agentos.chat.models import ChatSession
from tests.factories import AgentFactory, ChatSessionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def chats(member: User, stranger: User) -> list[ChatSession]:
    writer = AgentFactory(agent_id="writer", is_global=True)
    made: list[ChatSession] = [
        ChatSessionFactory(user=member, title=f"Plan {number}", agent=writer if number == 1 else AgentFactory()) for number in range(4)
    ]
    ChatSession.objects.filter(pk=made[2].pk).update(is_archived=True)
    ChatSessionFactory(user=stranger, title="Plan of somebody else")
    return made


def titles(member: User, **asked: Any) -> list[str]:
    return [session.title[-1] for session in page_of_sessions(member, **asked).sessions]


def test_they_come_in_pages_the_newest_first(member: User, chats: list[ChatSession]) -> None:
    first = page_of_sessions(member, limit=3)
    assert ([session.title[-1] for session in first.sessions], first.next) == (["3", "2", "1"], str(chats[1].pk))
    second = page_of_sessions(member, limit=3, cursor=first.next)
    assert ([session.title[-1] for session in second.sessions], second.next) == (["0"], "")
    assert page_of_sessions(member, limit=4).next == ""


@pytest.mark.parametrize(
    ("asked", "found"),
    [({"archived": True}, "2"), ({"archived": False}, "310"), ({"agent_id": "writer"}, "1"), ({"search": '"plan 3"'}, "3"), ({}, "3210")],
)
def test_they_are_those_that_are_asked_for(member: User, chats: list[ChatSession], asked: Any, found: str) -> None:
    assert "".join(titles(member, **asked)) == found


def test_one_is_found_by_its_owner(member: User, stranger: User, chats: list[ChatSession]) -> None:
    assert listed_session(member, chats[0].session_id) == chats[0]
    assert listed_session(member, chats[1].session_id) == chats[1]
    assert listed_session(stranger, chats[0].session_id) is None
