"""What our SQLite does on a shorter way than Django's comes to the same."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.backends.sqlite3.operations import DatabaseOperations

from agentos.access.models import Team

pytestmark = [pytest.mark.django_db, pytest.mark.skipif("connection.vendor != 'sqlite'", reason="it is about SQLite")]

MOMENT = datetime(2026, 2, 28, 23, 59, 59, 120, UTC)


@pytest.fixture
def ours() -> Any:
    return connection.ops


@pytest.fixture
def django() -> Any:
    return DatabaseOperations(connection)


@pytest.mark.parametrize(
    "moment", [MOMENT, MOMENT.replace(microsecond=0), MOMENT.astimezone(timezone(timedelta(hours=5))), MOMENT.replace(tzinfo=None), None]
)
def test_moments_are_stored_as_by_django(ours: Any, django: Any, moment: datetime | None) -> None:
    assert ours.adapt_datetimefield_value(moment) == django.adapt_datetimefield_value(moment)


@pytest.mark.parametrize("stored", ["2026-02-28 23:59:59.000120", "2026-02-28 23:59:59", MOMENT, MOMENT.replace(tzinfo=None), None])
def test_moments_are_read_as_by_django(ours: Any, django: Any, stored: Any) -> None:
    found = ours.convert_datetimefield_value(stored, None, connection)
    assert found == django.convert_datetimefield_value(stored, None, connection)
    assert found is None or found.tzinfo is UTC


def test_placeholders_are_understood_as_by_django() -> None:
    with connection.cursor() as cursor:
        assert cursor.execute("SELECT %s, '100%%'", ["%s"]).fetchone() == ("%s", "100%")
        assert cursor.execute("SELECT %(a)s, %(a)s", {"a": 1}).fetchone() == (1, 1)
        assert cursor.execute("SELECT '%s'").fetchone() == ("%s",)


class TestRun:
    def test_gives_the_rows(self, django_assert_num_queries: Any) -> None:
        run = connection.run  # type: ignore[attr-defined]
        assert run("SELECT %s UNION SELECT 2", [1]) == [(1,), (2,)]
        with django_assert_num_queries(1):
            assert run("SELECT %s UNION SELECT 2", [1]) == [(1,), (2,)]

    def test_raises_what_django_raises(self) -> None:
        team = Team.objects.create(name="A")
        with pytest.raises(IntegrityError), transaction.atomic():
            connection.run("INSERT INTO access_team SELECT * FROM access_team WHERE id = %s", [team.pk])  # type: ignore[attr-defined]
        connection.needs_rollback = True
        with pytest.raises(transaction.TransactionManagementError):
            connection.run("SELECT 1", [])  # type: ignore[attr-defined]
        connection.needs_rollback = False
