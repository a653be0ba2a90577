"""No index of ours is written in vain, none is missing, and the partial ones are found."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import ForeignKey, Model, Q, QuerySet

from agentos.chat.models import ChatSession, IdempotencyKey, Run
from agentos.webhooks.inbound.models import WebhookEvent

pytestmark = pytest.mark.django_db

# Without the tables between two others: both indexes of these are Django's, who lets nobody choose.
MODELS = [model for model in apps.get_models() if model.__module__.startswith("agentos.")]

Columns = dict[str, list[str]]  # of indexes and unique constraints, by name


def label(model: type[Model]) -> str:
    return model._meta.label


def found(model: type[Model]) -> dict[str, dict[str, Any]]:
    """What the database has for a model, but for PostgreSQL's second index of a text, which serves LIKE."""
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, model._meta.db_table)
    return {name: each for name, each in constraints.items() if not name.endswith("_like")}


def partial(model: type[Model]) -> set[str]:
    """Those with a condition, which the database does not tell."""
    return {each.name for each in (*model._meta.indexes, *model._meta.constraints) if getattr(each, "condition", None) is not None}


def whole(model: type[Model]) -> Columns:
    """All that serve every row of the table, by columns and not by an expression."""
    serving = {name: each["columns"] for name, each in found(model).items() if each["index"] or each["unique"] or each["primary_key"]}
    return {name: columns for name, columns in serving.items() if name not in partial(model) and columns and all(columns)}


def plain(model: type[Model]) -> list[str]:
    """Those that are there to find rows, and hold no rule."""
    return [name for name, each in found(model).items() if each["index"] and not each["unique"] and not each["primary_key"]]


def in_vain(names: Iterable[str], serving: Columns) -> list[str]:
    """Say of which indexes another one begins with the same columns."""
    return [
        f"{name} ({', '.join(serving[name])}): {other} ({', '.join(columns)}) serves as well"
        for name in names
        for other, columns in serving.items()
        if name in serving and other != name and columns[: len(serving[name])] == serving[name]
    ]


@pytest.mark.parametrize("model", MODELS, ids=label)
class TestIndexesOfATable:
    def test_are_no_beginnings_of_others(self, model: type[Model]) -> None:
        """Each write touches a page of each index: db_index=False is the word for a foreign key's own."""
        assert in_vain(plain(model), whole(model)) == []

    def test_find_the_rows_of_each_foreign_key(self, model: type[Model]) -> None:
        """Deleting what it points to asks for them. An index without the rows that point to nothing will do."""
        first = {columns[0] for columns in whole(model).values()}
        keys = [field for field in model._meta.concrete_fields if isinstance(field, ForeignKey) and field.column not in first]
        not_null = {(index.fields[0], index.condition) for index in model._meta.indexes if index.fields}
        assert [key.name for key in keys if (key.name, Q((f"{key.name}__isnull", False))) not in not_null] == []

    def test_and_its_rules_are_in_the_database(self, model: type[Model]) -> None:
        """A migration may lose one: Django drops all that PostgreSQL has of one column, where it means a foreign key's own."""
        assert {each.name for each in (*model._meta.indexes, *model._meta.constraints)} <= {*found(model)}


class TestInVain:
    def test_is_what_another_one_begins_with(self) -> None:
        serving = {"of_user": ["user_id"], "once": ["user_id", "key"], "of_key": ["key"]}
        assert in_vain(["of_user", "of_key"], serving) == ["of_user (user_id): once (user_id, key) serves as well"]

    def test_is_not_what_serves_some_rows_only(self) -> None:
        assert in_vain(["open"], {"of_user": ["user_id"]}) == []


FINDING: dict[str, Callable[[list[int]], QuerySet[Any]]] = {
    "run_retry": lambda pks: Run.objects.filter(retry_of__in=pks),
    "run_continuation": lambda pks: Run.objects.filter(continues__in=pks),
    "session_fork": lambda pks: ChatSession.objects.filter(forked_from__in=pks),
    "idempotency_key_of_session": lambda pks: IdempotencyKey.objects.filter(session__in=pks),
    "webhook_event_replay": lambda pks: WebhookEvent.objects.filter(replay_of__in=pks),
}


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL reads a small table without any index")
@pytest.mark.parametrize("pks", [[1], [1, 2, 3]], ids=["one", "several"])
@pytest.mark.parametrize("index", FINDING)
def test_partial_indexes_find_what_belongs_to_given_rows(index: str, pks: list[int]) -> None:
    assert f"USING INDEX {index} " in FINDING[index](pks).order_by().explain()
