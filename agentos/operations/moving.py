"""From SQLite to PostgreSQL: every row of every table in one transaction, compared with what it was; or nothing at all.

Starting over is therefore always possible: what was broken off has left nothing behind.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import dj_database_url
from django.apps import apps
from django.core.management.color import no_style
from django.db import DEFAULT_DB_ALIAS, DatabaseError, Error, connection, connections, models, transaction
from django.db.migrations.recorder import MigrationRecorder
from psycopg import sql

from agentos.core.starting import lock, migrations
from agentos.core.starting import sqlite as own
from agentos.core.starting.refusal import CannotStart, manage

ALIAS = "agentos_move_target"
MADE_BY_MIGRATE = ("auth.permission", "contenttypes.contenttype")  # in any database: taken from the old one, with its keys
BATCH = 500
OTHERS = """SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""

Say = Callable[[str], object]


@dataclass(frozen=True)
class Moved:
    tables: int
    rows: int


def move(url: str, say: Say = lambda _: None) -> Moved:
    """Copy everything into the empty, migrated database that ``url`` names. Raises CannotStart, and then nothing was copied."""
    database = own.database()
    if connection.vendor != "sqlite" or database is None:
        raise CannotStart(
            "This installation is not on SQLite: there is nothing to move. DATABASE_URL has to be unset, and the target in --to."
        )
    if not database.is_file():
        raise CannotStart(f"There is no database {database}: nothing to move.")
    lock.take(database)
    try:
        migrations.check()
        with _target(url):
            _check_target()
            with transaction.atomic(using=DEFAULT_DB_ALIAS), transaction.atomic(using=ALIAS):
                return _copy_all(say)
    finally:
        lock.release()


def _copy_all(say: Say) -> Moved:
    moved = _models()
    with connections[ALIAS].cursor() as cursor:
        for label in MADE_BY_MIGRATE:
            cursor.execute(f"DELETE FROM {_quoted(apps.get_model(label))}")  # noqa: S608 - names of our own tables
    total = 0
    for model in moved:
        table = model._meta.db_table  # noqa: SLF001 - Django's public way to a model's table
        try:
            _copy(model)
            there, here = _digest(model, DEFAULT_DB_ALIAS), _digest(model, ALIAS)
        except (Error, ValueError, TypeError) as error:
            raise CannotStart(f"A row of {table} does not fit into PostgreSQL: {_line(error)} Nothing was moved.") from None
        if there != here:
            raise CannotStart(
                f"{table} did not arrive as it was: {there[0]} rows here, {here[0]} there, or other values. Nothing was moved."
            )
        total += here[0]
        say(f"{table}: {here[0]} rows, {here[1][:12]}")
    with connections[ALIAS].cursor() as cursor:
        for statement in connections[ALIAS].ops.sequence_reset_sql(no_style(), moved):
            cursor.execute(statement)
        try:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        except DatabaseError as error:
            raise CannotStart(f"A row refers to one that is not there: {_line(error)} Nothing was moved.") from None
    return Moved(len(moved), total)


def _models() -> list[type[models.Model]]:
    return [model for model in apps.get_models(include_auto_created=True) if model._meta.managed and not model._meta.proxy]  # noqa: SLF001


def _fields(model: type[models.Model]) -> "list[models.Field[Any, Any]]":
    return [field for field in model._meta.local_concrete_fields if not getattr(field, "generated", False)]  # noqa: SLF001


def _rows(model: type[models.Model], alias: str) -> Iterator[tuple[Any, ...]]:
    names = [field.attname for field in _fields(model)]
    rows: models.QuerySet[Any, Any] = models.QuerySet(model, using=alias).order_by("pk").values_list(*names)
    yield from rows.iterator(chunk_size=BATCH)


def _copy(model: type[models.Model]) -> None:
    fields, target = _fields(model), connections[ALIAS]
    columns = sql.SQL(", ").join(sql.Identifier(field.column or "") for field in fields)
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(model._meta.db_table), columns)  # noqa: SLF001
    with target.cursor() as cursor, target.wrap_database_errors, cursor.copy(statement) as copy:
        for row in _rows(model, DEFAULT_DB_ALIAS):
            copy.write_row([field.get_db_prep_save(value, target) for field, value in zip(fields, row, strict=True)])


def _digest(model: type[models.Model], alias: str) -> tuple[int, str]:
    """Return how many rows there are and a checksum of their values, which is the same for the same values in any database."""
    found, count = hashlib.sha256(), 0
    for row in _rows(model, alias):
        count += 1
        found.update(json.dumps([_plain(value) for value in row], sort_keys=True).encode())
    return count, found.hexdigest()


def _plain(value: Any) -> Any:
    """Return a value as both databases give it back: PostgreSQL keeps numbers in JSON as numbers, 1e22 for one without an exponent."""
    match value:
        case dict():
            plain: Any = {key: _plain(part) for key, part in value.items()}
        case list() | tuple():
            plain = [_plain(part) for part in value]
        case float():
            plain = int(value) if value.is_integer() else value
        case bytes() | memoryview():
            plain = bytes(value).hex()
        case datetime():
            plain = value.timestamp()
        case Decimal():
            plain = str(value.normalize())
        case None | str() | int():
            plain = value
        case _:
            plain = str(value)
    return plain


@contextmanager
def _target(url: str) -> Iterator[None]:
    """Let ``ALIAS`` be the database that the address names."""
    if not url.startswith(("postgres://", "postgresql://")):
        raise CannotStart("--to has to be an address such as postgres://user:password@host/name.")
    try:
        named: dict[str, Any] = dict(dj_database_url.parse(url))
    except ValueError:
        raise CannotStart("--to is no address of a database. In a password, special characters are written as in %23.") from None
    connections.settings[ALIAS] = {**connections.settings[DEFAULT_DB_ALIAS], "OPTIONS": {}, "TIME_ZONE": None, **named}
    try:
        with connections[ALIAS].wrap_database_errors:
            connections[ALIAS].ensure_connection()
        yield
    except DatabaseError as error:
        raise CannotStart(f"PostgreSQL cannot be used: {_line(error)}") from None
    finally:
        connections[ALIAS].close()
        del connections[ALIAS]
        del connections.settings[ALIAS]


def _check_target() -> None:
    """Raises CannotStart unless it is migrated as this one is, empty, and nobody else's."""
    source, target = (set(MigrationRecorder(connections[alias]).applied_migrations()) for alias in (DEFAULT_DB_ALIAS, ALIAS))
    ours = {app.label for app in apps.get_app_configs()}
    missing, more = source - target, {migration for migration in target - source if migration[0] in ours}
    if not target:
        command = f"DATABASE_URL=postgres://... {manage('migrate')}"
        raise CannotStart(f"The target has no tables yet. Make them with this version: {command}")
    if missing or more:
        app, name = min(missing or more)
        raise CannotStart(
            f"The target is of another version: {app}.{name} is only {'here' if missing else 'there'}. Migrate both with one."
        )
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(OTHERS)
        if cursor.fetchone()[0]:
            raise CannotStart("Others are connected to the target: a server works on it. Stop it first.")
    for model in _models():
        if model._meta.label_lower not in MADE_BY_MIGRATE and models.QuerySet(model, using=ALIAS).exists():  # noqa: SLF001
            raise CannotStart(f"The target is not empty: there are rows in {model._meta.db_table}. Name an empty database.")  # noqa: SLF001


def _quoted(model: type[models.Model]) -> str:
    return connections[ALIAS].ops.quote_name(model._meta.db_table)  # noqa: SLF001


def _line(error: BaseException) -> str:
    """Return the first line of what a database says: what follows may quote the row."""
    line = (str(error).splitlines() or [type(error).__name__])[0].strip()
    return line if line.endswith(".") else f"{line}."
