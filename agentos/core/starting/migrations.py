"""Whether the database is of this version: not older, which needs ``migrate``, and not newer, which needs another program."""

from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from agentos.conf import app_settings
from agentos.core.starting.refusal import CannotStart, manage


def check_not_newer() -> None:
    """Raises CannotStart when migrations were applied that this code does not know: it would write what it does not understand."""
    loader = MigrationExecutor(connection).loader
    known = set(loader.disk_migrations or ())
    for migration in (loader.disk_migrations or {}).values():
        known.update(migration.replaces)
    unknown = sorted(migration for migration in set(loader.applied_migrations or ()) - known if is_ours(migration[0]))
    if unknown:
        msg = (
            f"The database was made by a newer version of AgentOS than this one: it has {_named(unknown)}, which is not known here. "
            "Start the newer version, or put back the backup that was made before it."
        )
        raise CannotStart(msg)


def check() -> None:
    """Raises CannotStart when the database is newer than this code, or older."""
    check_not_newer()
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan([node for node in executor.loader.graph.leaf_nodes() if is_ours(node[0])])
    if plan:
        missing = [(migration.app_label, migration.name) for migration, _ in plan]
        state = f"is not up to date: it lacks {_named(missing)}. Make a backup, then"
        if not executor.loader.applied_migrations:
            state = "is empty. To make its tables"
        msg = f"The database {state} run: {manage('migrate')} (or start the server with --migrate)."
        raise CannotStart(msg)


def _named(migrations: list[tuple[str, str]]) -> str:
    app, name = migrations[0]
    count = len(migrations)
    return f"the migration {app}.{name}" if count == 1 else f"{count} migrations, {app}.{name} for one"


def is_ours(label: str) -> bool:
    """Whether the migrations of an app are our business. In a database that others use too, theirs are not."""
    if app_settings.OWN_SITE:
        return True
    return label in {app.label for app in apps.get_app_configs() if app.name.startswith("agentos.")}
