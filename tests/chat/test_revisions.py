"""What a change of a session tells its owner's lists: that one chat moved to their top, that they changed, or nothing."""

from collections.abc import Callable

import pytest
from asgiref.sync import sync_to_async

from agentos.access.models import User
from agentos.chat import actions
from agentos.chat.models import ChatSession
from agentos.chat.runs.claiming import claim_next
from agentos.chat.runs.run_task import LEASE
from agentos.core.pubsub import pubsub

pytestmark = pytest.mark.django_db(transaction=True)


async def told(session: ChatSession, change: Callable[[], object]) -> set[str]:
    """Return what the owner's lists are told by ``change``; every change rings for the chat itself too."""
    topic = f"user:{session.user_id}"
    with pubsub.subscribe(topic, f"session:{session.pk}") as listener:
        await sync_to_async(change)()
        heard: set[str] = set()
        while f"session:{session.pk}" not in heard:
            heard |= await listener.wait(5)
        return heard - {f"session:{session.pk}"}


class TestTheOwnersLists:
    async def test_hear_of_one_chat_when_its_first_message_gives_it_a_title(self, session: ChatSession, member: User) -> None:
        heard = await told(session, lambda: actions.send_message(by=member, session=session, text="one"))
        assert heard == {f"user:{member.pk}#{session.pk}"}

    async def test_hear_of_a_change_when_a_chat_has_another_title_in_its_place(self, session: ChatSession, member: User) -> None:
        assert await told(session, lambda: actions.rename_session(session=session, title="New", by=member)) == {f"user:{member.pk}"}

    async def test_hear_of_a_change_when_a_message_brings_a_chat_back_from_the_archive(self, session: ChatSession, member: User) -> None:
        await sync_to_async(actions.archive_session)(session=session, archived=True, by=member)
        heard = await told(session, lambda: actions.send_message(by=member, session=session, text="one"))
        assert heard == {f"user:{member.pk}"}

    async def test_hear_nothing_when_an_answer_begins(self, session: ChatSession, member: User) -> None:
        await sync_to_async(actions.send_message)(by=member, session=session, text="one")
        assert await told(session, lambda: claim_next(session.pk, LEASE)) == set()
