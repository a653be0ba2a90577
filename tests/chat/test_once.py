"""What is asked for twice under one key is done once, even when both ask at the same moment."""

import threading
import time

import pytest
from django.db import connection

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.audit.models import AuditRecord
from agentos.chat import actions
from agentos.chat.models import ChatSession, IdempotencyKey
from agentos.chat.once import once
from agentos.chat.refusals import KeyReused


class TestOnce:
    @pytest.mark.django_db(transaction=True)
    def test_two_at_the_same_moment_get_the_same(self, member: User, scripted: DjangoAgent) -> None:
        together, made, errors = threading.Barrier(2), [], []

        def create() -> ChatSession:
            session = actions.create_session(agent=scripted, by=member)
            time.sleep(0.2)  # the other one has looked for the key by now, and found none
            return session

        def ask() -> None:
            together.wait()
            try:
                made.append(once(create, kind=ChatSession, by=member, key="k", what=["create"]).session_id)
            except Exception as error:  # noqa: BLE001
                errors.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert len(set(made)) == 1
        assert ChatSession.objects.count() == IdempotencyKey.objects.count() == 1
        assert AuditRecord.objects.filter(verb="chat.session.created").count() == 1

    @pytest.mark.django_db
    def test_an_error_leaves_the_key_unused(self, member: User, session: ChatSession) -> None:
        def fail() -> ChatSession:
            raise KeyReused("Nothing was done.")

        with pytest.raises(KeyReused):
            once(fail, kind=ChatSession, by=member, key="k", what=[])
        assert once(lambda: session, kind=ChatSession, by=member, key="k", what=[]) == session

    @pytest.mark.django_db
    def test_without_a_key_it_is_done_each_time(self, member: User, scripted: DjangoAgent) -> None:
        for _ in range(2):
            once(lambda: actions.create_session(agent=scripted, by=member), kind=ChatSession, by=member, key="", what=[])
        assert ChatSession.objects.count() == 2
