"""Prepared statements give what the ORM gives, and store what it stores."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.db.models import Exists, OuterRef

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.audit.models import AuditRecord
from agentos.chat.models import ChatSession, IdempotencyKey, Run, RunEvent
from agentos.core import clock
from agentos.core.db import prepared
from agentos.core.db.prepared import Query, delete_where, insert, insert_all, new, update
from tests.factories import ChatSessionFactory, RunFactory, TeamFactory

pytestmark = pytest.mark.django_db


def columns(row: ChatSession | Run | RunEvent | DjangoAgent) -> dict[str, object]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


class TestQuery:
    def test_gives_the_same_objects_with_what_belongs_to_them(self) -> None:
        original = ChatSessionFactory()
        session = ChatSessionFactory(user=original.user, forked_from=original, agent__tools=["calculator"])
        build = lambda user, text: (  # noqa: E731
            ChatSession.objects.filter(user=user, session_id=text)
            .select_related("agent", "forked_from")
            .annotate(has_runs=Exists(Run.objects.filter(session=OuterRef("pk"))))
        )
        found = Query(build, int, str).first(session.user_id, session.session_id)
        expected = build(session.user_id, session.session_id).get()
        assert found is not None
        assert found == expected
        assert columns(found) == columns(expected)
        assert columns(found.agent) == columns(expected.agent)
        assert found.forked_from == original
        assert found.has_runs is False

    def test_is_made_once_and_asked_with_other_arguments(self, django_assert_num_queries: pytest.FixtureRequest) -> None:
        made = []

        def build(pk: int) -> object:
            made.append(pk)
            return ChatSession.objects.filter(pk=pk)

        query, one, other = Query(build, int), ChatSessionFactory(), ChatSessionFactory()  # type: ignore[var-annotated, arg-type]
        with django_assert_num_queries(3):  # type: ignore[operator]
            assert [query.first(one.pk), query.first(other.pk), query.first(0)] == [one, other, None]
        assert len(made) == 1

    def test_gives_values_as_python_has_them(self) -> None:
        run = RunFactory(context={"a": [1]})
        query = Query(lambda pk: Run.objects.filter(pk=pk).values_list("context", "created_at", "is_hidden"), int)
        assert [tuple(row) for row in query.rows(run.pk)] == [({"a": [1]}, run.created_at, False)]
        assert query.value(run.pk) == {"a": [1]}
        assert query.value(0) is None

    def test_takes_moments(self) -> None:
        run = RunFactory()
        query = Query(lambda now: Run.objects.filter(created_at__lt=now), type(run.created_at))
        assert query.all(run.created_at) == []
        assert query.all(run.created_at + timedelta(seconds=1)) == [run]

    def test_refuses_an_argument_that_is_not_in_its_sql(self) -> None:
        query = Query(lambda pk, limit: ChatSession.objects.filter(pk=pk)[: len(str(limit))], int, int)
        with pytest.raises(ValueError, match="Not every argument"):
            query.all(1, 2)

    def test_leaves_text_alone_that_looks_like_sql(self) -> None:
        query = Query(lambda text: User.objects.filter(email=text), str)
        assert query.all("' or 1=1 --") == []
        assert query.all("%s") == []


class TestNew:
    @pytest.mark.parametrize("model", [Run, ChatSession, RunEvent, AuditRecord, IdempotencyKey])
    def test_is_what_the_model_would_make(self, model: type[models.Model]) -> None:
        """But for what is another one each time: ids and moments."""
        ours, theirs = new(model), model()
        assert vars(ours).keys() == vars(theirs).keys()
        for field in model._meta.concrete_fields:
            mine, other = getattr(ours, field.attname), getattr(theirs, field.attname)
            assert type(mine) is type(other)
            assert mine == other or (field.has_default() and callable(field.default))
        assert (ours._state.adding, ours._state.db) == (theirs._state.adding, theirs._state.db)

    def test_shares_nothing_with_the_next_one(self) -> None:
        assert new(Run).parts is not new(Run).parts
        assert new(Run).run_id != new(Run).run_id

    def test_takes_values_and_what_they_refer_to(self) -> None:
        session = ChatSessionFactory()
        run = new(Run, session=session, by=session.user, turn=3, input="Hello")
        assert (run.session, run.session_id, run.by_id, run.turn, run.input) == (session, session.pk, session.user_id, 3, "Hello")


class TestWriting:
    def test_inserts_a_row_as_the_orm_would(self) -> None:
        session = ChatSessionFactory()
        run = Run(session=session, by=session.user, turn=1, input="Ü%s'", context={"a": 1})
        insert(run)
        assert run.pk
        stored = Run.objects.get(pk=run.pk)
        assert columns(stored) == columns(run)

    def test_sets_what_a_field_sets_when_it_is_saved(self) -> None:
        record = AuditRecord(verb="a.b", object_type="run", object_id="1")
        insert(record)
        assert record.at == AuditRecord.objects.get(pk=record.pk).at

    def test_inserts_many(self) -> None:
        run = RunFactory()
        insert_all(RunEvent, (RunEvent(run=run, seq=seq, attempt=1, kind="text", data={"text": str(seq)}) for seq in (1, 2)))
        insert_all(RunEvent, [])
        assert [event.data for event in RunEvent.objects.filter(run=run)] == [{"text": "1"}, {"text": "2"}]

    def test_updates_one_row_and_the_object(self) -> None:
        run, other = RunFactory(), RunFactory()
        now = clock.now()
        update(run, parts=[{"kind": "text"}], finished_at=now, agno_output=None, status=Run.Status.STOPPED)
        assert (run.parts, run.finished_at) == ([{"kind": "text"}], now)
        assert columns(Run.objects.get(pk=run.pk)) == columns(run)
        assert columns(Run.objects.get(pk=other.pk)) == columns(other)

    def test_deletes_by_one_column(self) -> None:
        run, other = RunFactory(), RunFactory()
        insert_all(RunEvent, [RunEvent(run=one, seq=1, attempt=1, kind="text", data={}) for one in (run, other)])
        delete_where(RunEvent, run_id=run.pk)
        assert [event.run_id for event in RunEvent.objects.all()] == [other.pk]


class TestDjango:
    """What the next Django may have under another name, or with another shape."""

    def test_has_what_is_used_of_a_compiler(self) -> None:
        compiler = Run.objects.select_related("session").annotate(n=Exists(Run.objects.all())).query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        assert sql.startswith("SELECT ")
        assert isinstance(params, tuple | list)
        assert compiler.klass_info["model"] is Run
        assert compiler.klass_info["related_klass_infos"][0]["model"] is ChatSession
        assert {"select_fields", "local_setter", "remote_setter"} <= {*compiler.klass_info["related_klass_infos"][0]}
        assert [column.target.attname for column, _, _ in compiler.select[:1]] == ["id"]
        assert [isinstance(place, int) for place in compiler.annotation_col_map.values()] == [True]
        assert all(len(pair) == 2 for pair in compiler.get_converters([column for column, _, _ in compiler.select]).values())

    def test_has_what_is_used_of_a_connection(self) -> None:
        connection.ensure_connection()
        assert connection.connection.cursor().execute("SELECT 1").fetchone() == (1,)
        assert (list(connection.execute_wrappers), connection.queries_logged) == ([], False)
        with pytest.raises(IntegrityError), transaction.atomic():
            prepared._run(connection, "INSERT INTO access_team SELECT * FROM access_team WHERE id = %s", [TeamFactory().pk])
        with transaction.atomic():
            connection.set_rollback(True)
            with pytest.raises(transaction.TransactionManagementError):
                prepared._run(connection, "SELECT 1", [])

    def test_counts_and_logs_what_is_run(self, django_assert_num_queries: pytest.FixtureRequest) -> None:
        with django_assert_num_queries(1):  # type: ignore[operator]
            assert [tuple(row) for row in prepared._run(connection, "SELECT %s, '100%%'", [1], returns=True)] == [(1, "100%")]
        assert [tuple(row) for row in prepared._run(connection, "SELECT %s, '100%%'", [1], returns=True)] == [(1, "100%")]
