"""`agentos move --to postgres://...`: everything from SQLite into PostgreSQL. The server must not run."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from agentos.core.starting.sentences import said
from agentos.operations.moving import move


class Command(BaseCommand):
    help = "Copies everything from SQLite into an empty, migrated PostgreSQL, and compares it."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--to", required=True, metavar="URL", help="postgres://user:password@host/name, or - to read it from standard input"
        )

    def handle(self, **options: Any) -> None:
        url = input().strip() if options["to"] == "-" else options["to"]
        with said():
            moved = move(url, self.stdout.write)
        self.stdout.write(f"Moved and compared: {moved.rows} rows of {moved.tables} tables.")
        self.stdout.write(
            "Now set DATABASE_URL to the new database, keep SECRET_KEY as it is, and start the server. The old database is as it was."
        )
