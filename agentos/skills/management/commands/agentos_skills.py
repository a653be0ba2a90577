"""`agentos skills import PATH`: skills of a folder or a zip. `agentos skills export NAME [FILE]`: one as a zip. `agentos skills sync`:
those of the packages of AGENTOS_SKILLS."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from agentos.access.commands import operator_named, team_named
from agentos.conf import app_settings
from agentos.core.http.errors import Problem
from agentos.skills import actions, packing, queries, sources
from agentos.skills.models import Skill


class Command(BaseCommand):
    help = "Bring skills from a folder or a zip, write one into a zip, or bring those of AGENTOS_SKILLS."

    def add_arguments(self, parser: CommandParser) -> None:
        words = parser.add_subparsers(dest="word", required=True)
        read = words.add_parser("import", help="add the skills of a folder or a zip: its own SKILL.md, or those of the folders in it")
        read.add_argument("path", help="the folder or the zip")
        read.add_argument("--team", help="the name of the team whose agents may use them; without it, all agents may")
        read.add_argument("--by", help="the e-mail address of the operator who does this; without it, the first one")
        export = words.add_parser("export", help="write a skill into a zip")
        export.add_argument("name")
        export.add_argument("file", nargs="?", help="where to; without it, NAME.zip")
        export.add_argument("--team", help="the name of the team whose skill it is; without it, one of everybody's")
        words.add_parser("sync", help="bring the skills of AGENTOS_SKILLS, as each start of the server does")

    def handle(self, *, word: str, **options: Any) -> None:
        if word == "sync":
            self.sync()
        else:
            (self.export if word == "export" else self.read)(**options)

    def read(self, *, path: str, team: str | None, by: str | None, **_options: Any) -> None:
        place = Path(path)
        try:
            packages = packing.from_folder(place) if place.is_dir() else packing.from_zip(self._content(place))
            made = actions.import_skills(packages=packages, team=team_named(team), by=operator_named(by))
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from None
        except Problem as problem:
            raise CommandError(problem.sentence) from None
        for skill in made:
            self.stdout.write(f"New: {skill.name}")
        self.stdout.write("Give them to agents in the workshop. What came from others, read first: agents do what a skill says.")

    def export(self, *, name: str, file: str | None, team: str | None, **_options: Any) -> None:
        skill = Skill.objects.filter(name=name, team=team_named(team)).first()
        if skill is None:
            raise CommandError(f"There is no skill {name!r}.")
        version, target = queries.newest(skill), Path(file or f"{name}.zip")
        try:
            target.write_bytes(packing.as_zip(skill.name, version.text, queries.files_of(version)))
        except OSError as error:
            raise CommandError(f"{target} cannot be written: {error.strerror}.") from None
        self.stdout.write(f"{name} is in {target}.")

    def sync(self) -> None:
        if not app_settings.SKILLS:
            self.stdout.write("AGENTOS_SKILLS names no packages (docs/skills.md).")
        synced = sources.sync(sources.load(app_settings.SKILLS))
        for done, names in (("New", synced.made), ("Changed", synced.changed), ("No package has it any more", synced.gone)):
            for name in names:
                self.stdout.write(f"{done}: {name}")
        for note in synced.notes:
            self.stderr.write(self.style.WARNING(note))

    @staticmethod
    def _content(path: Path) -> bytes:
        """No more than says that it is too much."""
        with path.open("rb") as file:
            return file.read(packing.ZIP_LIMIT + 1)
