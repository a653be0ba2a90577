"""`agentos restore FILE`: a backup takes the place of what is here. The server must not run."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from agentos.core.starting.refusal import manage
from agentos.core.starting.sentences import said
from agentos.operations.backup.restoring import restore

OTHER_KEY = (
    "This installation has another SECRET_KEY than the one that the backup was made with: everybody has to sign in again, and the secrets "
    "of webhooks cannot be read until the old key is in SECRET_KEY or SECRET_KEY_FALLBACKS."
)
NO_FILES = (
    "The backup holds no files of people, for they were in a storage far away (S3): they are seen where this installation has that storage."
)


class Command(BaseCommand):
    help = "Puts a backup back. What was there before is kept aside."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="a file that `agentos backup` has made")
        parser.add_argument("--force", action="store_true", help="take the place of a database that is there, which is kept aside")

    def handle(self, **options: Any) -> None:
        with said():
            restored = restore(options["file"], force=options["force"])
        counts = restored.manifest.counts
        self.stdout.write(f"Restored: {sum(counts.values())} rows of {len(counts)} tables, as they were on {restored.manifest.made_at}.")
        if restored.aside:
            self.stdout.write(f"What was here before is in {restored.aside}.")
        if restored.is_older:
            self.stdout.write(f"The backup is of an older version: run {manage('migrate')}, or start the server with --migrate.")
        if restored.lacks_files:
            self.stderr.write(NO_FILES)
        if not restored.knows_secret:
            self.stderr.write(OTHER_KEY)
