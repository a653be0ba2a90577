"""`agentos backup FILE`: everything that this installation is, in one file, while it works."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from agentos.core.starting.sentences import said
from agentos.operations.backup import secret
from agentos.operations.backup.making import make

SECRETS = {
    secret.INCLUDED: (
        "The backup holds the SECRET_KEY of this installation: whoever has the file can sign in as anybody and read what is sealed. "
        "Keep it where you keep passwords, or leave the key out with --without-secret."
    ),
    secret.LEFT_OUT: (
        "The SECRET_KEY is NOT in the backup. Keep the file secret-key of the data folder elsewhere: without it everybody has to sign in "
        "again, and the secrets of webhooks cannot be read."
    ),
    secret.ENVIRONMENT: (
        "The SECRET_KEY comes from the environment and is NOT in the backup. Keep it elsewhere: without it everybody has to sign in again, "
        "and the secrets of webhooks cannot be read."
    ),
}
FILES = (
    "The files that people gave are in a storage far away (S3) and are NOT in the backup: have that keep versions, or copies elsewhere, "
    "for at least as long as you keep this file."
)


class Command(BaseCommand):
    help = "Writes a backup into one file. The server may work meanwhile."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="for example agentos.backup; it is for its owner alone")
        parser.add_argument("--force", action="store_true", help="overwrite a file that is there")
        parser.add_argument("--without-secret", action="store_true", help="leave the SECRET_KEY out")

    def handle(self, **options: Any) -> None:
        with said():
            made = make(options["file"], force=options["force"], without_secret=options["without_secret"])
        self.stdout.write(f"{made.path}: {made.rows} rows of {len(made.manifest.counts)} tables, {made.size} bytes.")
        if made.without_files:
            self.stderr.write(FILES)
        self.stderr.write(SECRETS[made.manifest.secret])
