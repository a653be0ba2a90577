"""What a program asks for twice under one key is done once, even when both ask at the same moment."""

import threading
import time

import pytest
from django.db import connection

from agentos.access.models import Team, User
from agentos.audit.models import AuditRecord
from agentos.chat.models import IdempotencyKey
from agentos.chat.refusals import KeyReused
from agentos.webhooks.outgoing import actions
from agentos.webhooks.outgoing.models import DoneOnce, Endpoint
from agentos.webhooks.outgoing.once import once


class TestOnce:
    @pytest.mark.django_db(transaction=True)
    def test_two_at_the_same_moment_get_the_same(self, owner: User, support: Team) -> None:
        together, made, errors = threading.Barrier(2), [], []

        def create() -> str:
            endpoint = actions.create_endpoint(team=support, name="CRM", url="https://crm.example/", events=["run.failed"], by=owner)
            time.sleep(0.2)  # the other one has looked for the key by now, and found none
            return endpoint.hook_id

        def ask() -> None:
            together.wait()
            try:
                made.append(once(create, by=owner, key="k", what=["create"]))
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
        assert Endpoint.objects.count() == IdempotencyKey.objects.count() == DoneOnce.objects.count() == 1
        assert AuditRecord.objects.filter(verb="webhooks.endpoint.created").count() == 1

    @pytest.mark.django_db
    def test_an_error_leaves_the_key_unused(self, owner: User) -> None:
        def fail() -> str:
            raise KeyReused("Nothing was done.")

        with pytest.raises(KeyReused):
            once(fail, by=owner, key="k", what=[])
        assert once(lambda: "hook_1", by=owner, key="k", what=[]) == "hook_1"

    @pytest.mark.django_db
    def test_a_key_is_its_users_own(self, owner: User, member: User) -> None:
        assert once(lambda: "hook_1", by=owner, key="k", what=[]) == "hook_1"
        assert once(lambda: "hook_2", by=member, key="k", what=[]) == "hook_2"

    @pytest.mark.django_db
    def test_without_a_key_it_is_done_each_time(self, owner: User) -> None:
        done = iter(["msg_1", "msg_2"])
        assert [once(lambda: next(done), by=owner, key="", what=[]) for _ in range(2)] == ["msg_1", "msg_2"]
        assert not IdempotencyKey.objects.exists()
