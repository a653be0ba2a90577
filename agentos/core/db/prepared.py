"""Statements of the hot path, made once: the same models and the same rules, without Django making the same SQL at every message.

Making the SQL costs ten times what running it costs. Rows that are written here send no signals: nobody listens to them. Everything
that is not on the way of every message uses the ORM.

What it uses of Django that is not documented, held by ``tests/core/test_prepared.py: TestDjango``: ``Query.get_compiler``; of a compiler
``as_sql``, ``select``, ``klass_info``, ``annotation_col_map``, ``get_converters``; of a connection ``connection``,
``validate_no_broken_transaction``, ``wrap_database_errors``, ``execute_wrappers``, ``queries_logged`` and of its ``ops`` the ``adapt_...``
methods; ``ModelState``.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cache, cached_property
from operator import attrgetter
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.models.base import ModelState

M = TypeVar("M", bound=models.Model)

NUMBER = 2_113_000_000  # is in no statement of ours, and fits into the smallest column of numbers
FAR_AWAY = 9_000  # no year is as late
PLAIN = frozenset({int, str, bool, type(None)})  # and no subclasses: an enum is told by its field how it is stored


def _stand_in(kind: type, place: int) -> Any:
    """A value that occurs in no statement, for the argument at ``place``."""
    if kind is int:
        return NUMBER + place
    if kind is datetime:
        return datetime(FAR_AWAY + place, 1, 1, tzinfo=UTC)
    return f"argument {place} of a prepared query"


def _connection() -> Any:
    """This thread's connection, past the proxy that looks for it again at every use."""
    return connections[DEFAULT_DB_ALIAS]


def _bound(connection: Any, value: Any) -> Any:
    """A value as the statement takes it."""
    return connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value


def _run(connection: Any, sql: str, params: Sequence[Any], *, returns: bool = False) -> list[Any]:
    """Run one statement, past the wrappers of Django's cursors; not past those who count or note statements. ``returns``: it has rows."""
    if connection.execute_wrappers or connection.queries_logged:
        with connection.cursor() as noted:
            noted.execute(sql, params)
            return noted.fetchall() if returns else []
    connection.ensure_connection()
    connection.validate_no_broken_transaction()
    with connection.wrap_database_errors:
        cursor = connection.connection.cursor()
        cursor.execute(_with_question_marks(sql) if connection.vendor == "sqlite" else sql, params)
        return cursor.fetchall() if returns else []


@cache
def _with_question_marks(sql: str) -> str:
    """Django's placeholders as SQLite's: for statements that are made once, once."""
    return re.sub("%(.)", lambda found: {"s": "?", "%": "%"}[found[1]], sql)


class Statement:
    """One query for one kind of database. ``places``: for each parameter the argument it is, or None for a constant."""

    def __init__(self, queryset: "models.QuerySet[Any]", stand_ins: Sequence[Any]) -> None:
        connection = _connection()
        compiler = queryset.query.get_compiler(connection=connection)
        self.sql, params = compiler.as_sql()
        self.constants = list(params)
        known = [_bound(connection, value) for value in stand_ins]
        self.places = [known.index(param) if param in known else None for param in params]
        if set(range(len(known))) - set(self.places):
            msg = f"Not every argument of a prepared query stands in its SQL: {self.sql}"
            raise ValueError(msg)
        columns = [column for column, _, _ in compiler.select]
        self.converters = [(place, converters, column) for place, (converters, column) in compiler.get_converters(columns).items()]
        self.annotations = list((compiler.annotation_col_map or {}).items())
        self.maker = _Maker(compiler.klass_info, compiler.select) if compiler.klass_info else None

    def rows(self, connection: Any, arguments: Sequence[Any]) -> list[Any]:
        bound = [
            constant if place is None else _bound(connection, arguments[place])
            for place, constant in zip(self.places, self.constants, strict=True)
        ]
        found = _run(connection, self.sql, bound, returns=True)
        return [self._converted(list(row), connection) for row in found] if self.converters else found

    def _converted(self, row: list[Any], connection: Any) -> list[Any]:
        for place, converters, column in self.converters:
            if row[place] is None:  # which is nothing in all types, and much in rows of what may be there
                continue
            for converter in converters:
                row[place] = converter(row[place], column, connection)
        return row

    def objects(self, connection: Any, arguments: Sequence[Any]) -> list[Any]:
        assert self.maker is not None, "a query of values has no objects"
        found = []
        for row in self.rows(connection, arguments):
            made = self.maker.make(row)
            for name, place in self.annotations:
                setattr(made, name, row[place])
            found.append(made)
        return found


class _Maker:
    """Makes objects of rows, and what was selected with them. Past ``Model.__init__``, which asks each of its fields, and its signals."""

    def __init__(self, info: Any, select: Any) -> None:
        assert not info.get("from_parent"), "no model of ours inherits another one's table"
        fields = info["select_fields"]
        self.model: type[models.Model] = info["model"]
        self.start, self.end = int(fields[0]), int(fields[-1]) + 1
        self.names: list[str] = [column[0].target.attname for column in select[self.start : self.end]]
        self.related = [(_Maker(each, select), each["local_setter"], each["remote_setter"]) for each in info.get("related_klass_infos", ())]

    @cached_property
    def key(self) -> int:
        """Where in a row the primary key stands: a row of NULLs is nothing."""
        return self.start + self.names.index(_meta(self.model).pk.attname)

    def make(self, row: list[Any]) -> models.Model:
        made = self.model.__new__(self.model)
        made.__dict__.update(zip(self.names, row[self.start : self.end], strict=True))
        made._state = ModelState()  # noqa: SLF001 - as Model.from_db leaves it
        made._state.adding, made._state.db = False, DEFAULT_DB_ALIAS  # noqa: SLF001
        for maker, set_here, set_there in self.related:
            other = None if row[maker.key] is None else maker.make(row)
            set_here(made, other)
            if other is not None:
                set_there(other, made)
        return made


class Query(Generic[M]):
    """A queryset that is made once for each kind of database, for arguments of the types ``takes``: int, str, datetime.

    ``build`` is called with stand-ins, so nothing about the arguments may decide on the SQL: no None, no lists.
    """

    def __init__(self, build: "Callable[..., models.QuerySet[M, Any]]", *takes: type) -> None:
        self.build = build
        self.stand_ins = [_stand_in(kind, place) for place, kind in enumerate(takes)]
        self.statements: dict[str, Statement] = {}

    def all(self, *arguments: Any) -> list[M]:
        connection = _connection()
        return self._statement(connection).objects(connection, arguments)

    def first(self, *arguments: Any) -> M | None:
        found = self.all(*arguments)
        return found[0] if found else None

    def rows(self, *arguments: Any) -> list[Any]:
        """The rows of a queryset of ``values_list``."""
        connection = _connection()
        return self._statement(connection).rows(connection, arguments)

    def value(self, *arguments: Any) -> Any:
        """The first column of the first row, None without one."""
        found = self.rows(*arguments)
        return found[0][0] if found else None

    def _statement(self, connection: Any) -> Statement:
        statement = self.statements.get(connection.vendor)
        if statement is None:
            statement = self.statements[connection.vendor] = Statement(self.build(*self.stand_ins), self.stand_ins)
        return statement


_made: dict[Any, tuple[str, list[Any]]] = {}
_readers: dict[Any, Callable[[Any], Iterable[Any]]] = {}


def new(model: type[M], **values: Any) -> M:
    """Return ``model(**values)`` as it is before it is stored, past ``Model.__init__``: a row of thirty columns costs more than its
    INSERT there."""
    made = model.__new__(model)
    constant, made_each_time = _defaults(model)
    made.__dict__.update(constant)
    for attname, default in made_each_time:
        made.__dict__[attname] = default()
    made._state = ModelState()  # noqa: SLF001 - as Model.__init__ leaves it
    for name, value in values.items():
        setattr(made, name, value)
    return made


@cache
def _defaults(model: type[models.Model]) -> tuple[dict[str, Any], list[tuple[str, Callable[[], Any]]]]:
    """The values of columns that nobody names: the same ones for all rows, and those that each row gets its own of."""
    called = {field.attname: field.default for field in _meta(model).concrete_fields if field.has_default() and callable(field.default)}
    constant = {field.attname: field.get_default() for field in _meta(model).concrete_fields if field.attname not in called}
    return constant, list(called.items())


def insert(row: models.Model) -> None:
    """Store a new row, and give it its key."""
    connection = _connection()
    sql, fields = _insert(connection, type(row))
    returning = f"{sql} RETURNING {connection.ops.quote_name(_meta(row).pk.column)}"
    ((row.pk,),) = _run(connection, returning, _values(connection, row, fields), returns=True)
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS  # noqa: SLF001 - what Model.save does


def insert_all(model: type[models.Model], rows: Iterable[Any]) -> None:
    """Store new rows: objects of the model, or whatever has its columns for attributes. They are not given their keys."""
    rows = list(rows)
    if rows:
        connection = _connection()
        sql, fields = _insert(connection, model)
        with connection.cursor() as cursor:
            cursor.executemany(sql, [_values(connection, row, fields) for row in rows])


def update(row: models.Model, **values: Any) -> None:
    """Set columns of one stored row, here and there."""
    connection = _connection()
    key = (connection.vendor, type(row), *values)
    if key not in _made:
        quote, meta = connection.ops.quote_name, _meta(row)
        fields = [meta.get_field(name) for name in values]
        columns = ", ".join(f"{quote(field.column)} = %s" for field in fields)
        _made[key] = (f"UPDATE {quote(meta.db_table)} SET {columns} WHERE {quote(meta.pk.column)} = %s", fields)  # noqa: S608
    sql, fields = _made[key]
    for name, value in values.items():
        setattr(row, name, value)
    _run(connection, sql, [*(_stored(connection, field, getattr(row, field.attname)) for field in fields), row.pk])


def notify(channel: str, payload: str) -> None:
    """Have PostgreSQL tell all that listen on a channel, at the commit."""
    _run(_connection(), "SELECT pg_notify(%s, %s)", [channel, payload], returns=True)


def delete_where(model: type[models.Model], **key: int) -> None:
    """Delete rows by one column. Nothing may refer to them: nothing follows."""
    connection = _connection()
    ((attname, value),) = key.items()
    quote, meta = connection.ops.quote_name, _meta(model)
    column = next(field.column for field in meta.concrete_fields if field.attname == attname)
    _run(connection, f"DELETE FROM {quote(meta.db_table)} WHERE {quote(column)} = %s", [value])  # noqa: S608


def _insert(connection: Any, model: type[models.Model]) -> tuple[str, list[Any]]:
    key = (connection.vendor, model)
    if key not in _made:
        quote, meta = connection.ops.quote_name, _meta(model)
        fields = [field for field in meta.local_concrete_fields if not field.primary_key]
        columns = ", ".join(quote(field.column) for field in fields)
        _made[key] = (f"INSERT INTO {quote(meta.db_table)} ({columns}) VALUES ({', '.join('%s' for _ in fields)})", fields)  # noqa: S608
    return _made[key]


def _values(connection: Any, row: Any, fields: Sequence[Any]) -> list[Any]:
    read = _readers.get(type(row)) or _readers.setdefault(type(row), _reader(fields))
    return [_stored(connection, field, value) for field, value in zip(fields, read(row), strict=True)]


def _reader(fields: Sequence[Any]) -> Callable[[Any], Iterable[Any]]:
    """Return what reads a new row's columns: in one go, where none is given its value by its field."""
    if any(getattr(field, "auto_now_add", False) or getattr(field, "auto_now", False) or field.has_db_default() for field in fields):
        return lambda row: [field.pre_save(row, True) for field in fields]
    return attrgetter(*(field.attname for field in fields))


def _stored(connection: Any, field: Any, value: Any) -> Any:
    """A value as its column takes it: most are what they are."""
    if type(field) is models.JSONField:
        return value if value is None else connection.ops.adapt_json_value(value, field.encoder)
    if type(value) in PLAIN:
        return value
    if type(value) is datetime and value.tzinfo:
        return connection.ops.adapt_datetimefield_value(value)
    return field.get_db_prep_save(value, connection)


def _meta(model: Any) -> Any:
    return model._meta  # noqa: SLF001 - Django's public way to a model's columns
