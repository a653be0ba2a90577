"""The one question before a server starts: may it work on this database?"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from django.core.management import call_command
from django.db import connection

from agentos.core.starting import lock, migrations, sqlite
from agentos.core.starting.sentences import said


def make_ready(*, address: str = "", migrate: bool = False) -> None:
    """Take the lock of a SQLite database and look whether it is there, whole and of this version. Raises CannotStart.

    ``migrate``: bring an older one up to date. ``address``: where the server listens. Database work.
    """
    with said():
        if database := sqlite.database():
            lock.take(database, address)
        alone = check_database()
        migrations.check_not_newer()
        if migrate:
            with alone():
                call_command("migrate", verbosity=0, interactive=False)
        migrations.check()


def check_database() -> Callable[[], AbstractContextManager[None]]:
    """Return what keeps others from migrating at the same moment. Raises CannotStart."""
    if connection.vendor == "sqlite":
        sqlite.check()
        return nullcontext  # the lock of its file is held
    from agentos.core.starting import postgresql  # noqa: PLC0415 - who has no PostgreSQL need not load its library

    postgresql.check()
    return postgresql.alone
