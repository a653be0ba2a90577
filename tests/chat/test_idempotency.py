"""What is asked for twice under one key is done once, even when both ask at the same moment."""

import threading
import time
from typing import Any

import pytest
from django.db import connection

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.audit.models import AuditRecord
from agentos.chat import actions
from agentos.chat.errors import InvalidInput, KeyReused
from agentos.chat.idempotency import once
from agentos.chat.models import ChatSession, IdempotencyKey, Run


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

    @pytest.mark.django_db
    def test_the_same_again_gives_what_was_made_then(self, member: User, session: ChatSession) -> None:
        first = once(lambda: session, kind=ChatSession, by=member, key="k", what=["create", {"a": 1, "b": 2}])
        again = once(never, kind=ChatSession, by=member, key="k", what=["create", {"b": 2, "a": 1}])
        assert first == again == session

    @pytest.mark.django_db
    def test_a_key_is_for_one_thing(self, member: User, session: ChatSession) -> None:
        once(lambda: session, kind=ChatSession, by=member, key="k", what=["create"])
        with pytest.raises(KeyReused):
            once(never, kind=ChatSession, by=member, key="k", what=["create", "other"])
        with pytest.raises(KeyReused):
            once(never, kind=Run, by=member, key="k", what=["create"])

    @pytest.mark.django_db
    def test_what_another_app_made_is_known_by_its_public_id(self, member: User) -> None:
        assert once(lambda: "hook_1", kind=str, by=member, key="k", what=["webhooks"]) == "hook_1"
        assert once(never, kind=str, by=member, key="k", what=["webhooks"]) == "hook_1"
        with pytest.raises(KeyReused):
            once(never, kind=Run, by=member, key="k", what=["webhooks"])

    @pytest.mark.django_db
    def test_a_check_is_asked_only_when_there_is_something_to_make(self, member: User) -> None:
        checked: list[str] = []
        for key in ("k", "k", ""):
            once(lambda: "hook_1", kind=str, by=member, key=key, what=[], check=lambda key=key: checked.append(key))  # type: ignore[misc]
        assert checked == ["k", ""]

    @pytest.mark.django_db
    def test_a_key_that_is_too_long_is_refused(self, member: User) -> None:
        with pytest.raises(InvalidInput) as error:
            once(never, kind=Run, by=member, key="k" * 101, what=[])
        assert error.value.field == "idempotency_key"

    @pytest.mark.django_db
    def test_a_key_is_its_users_own(self, member: User, stranger: User, session: ChatSession) -> None:
        once(lambda: session, kind=ChatSession, by=member, key="k", what=["create"])
        assert once(lambda: session, kind=ChatSession, by=stranger, key="k", what=["create", "other"]) == session


def never() -> Any:
    raise AssertionError("It was done already.")
