"""`agentos agents list`; `agentos agents export ID [FILE]` and `agentos agents import FILE`: agents as files, for git and for other
servers. `agentos agents sync`: those that are written in code."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from agentos.access.commands import operator_named, team_named
from agentos.agents import actions, code_agents, code_modules, files, queries
from agentos.agents.blueprint import blueprint_of
from agentos.agents.models import DjangoAgent
from agentos.conf import app_settings
from agentos.core.http.errors import Problem


class Command(BaseCommand):
    help = "Write an agent into a file, make a draft of one, or bring those in code into the catalogue."

    def add_arguments(self, parser: CommandParser) -> None:
        words = parser.add_subparsers(dest="word", required=True)
        words.add_parser("list", help="the agents that there are, with their version and who may use them")
        export = words.add_parser("export", help="write what is published of an agent")
        export.add_argument("agent_id")
        export.add_argument("file", nargs="?", help="where to; without it, to the terminal")
        export.add_argument("--draft", action="store_true", help="what is worked on instead")
        read = words.add_parser("import", help="make a draft of a file; it is published in the workshop")
        read.add_argument("file", help="the file, or - for what comes in")
        read.add_argument("--team", help="the name of the team that may use it")
        read.add_argument("--by", help="the e-mail address of the operator who does this; without it, the first one")

        words.add_parser("sync", help="bring the agents of AGENTOS_CODE_AGENTS into the catalogue, as each start of the server does")

    def handle(self, *, word: str, **options: Any) -> None:
        does: dict[str, Callable[..., None]] = {"list": self.list, "sync": self.sync, "export": self.export, "import": self.read}
        does[word](**options)

    def list(self, **_options: Any) -> None:
        for agent in DjangoAgent.objects.select_related("team", "owner").prefetch_related("plans"):
            stands = f"version {agent.version}" if agent.version else "not published"
            off = "" if agent.is_active or not agent.version else ", off"
            self.stdout.write(f"{agent.agent_id}: {agent}, {stands}{off}; for {queries.open_to(agent)}")

    def sync(self, **_options: Any) -> None:
        if not app_settings.CODE_AGENTS:
            self.stdout.write("AGENTOS_CODE_AGENTS names no modules (docs/bring-your-agent.md).")
        synced = code_agents.sync(code_modules.load())
        for done, ids in (("New", synced.made), ("Changed", synced.changed), ("Turned off, since no module has it any more", synced.gone)):
            for agent_id in ids:
                self.stdout.write(f"{done}: {agent_id}")
        if synced.made:
            self.stdout.write("Nobody may use a new agent until you share it: /admin/, Agents.")
        for note in synced.notes:
            self.stderr.write(self.style.WARNING(note))

    def export(self, *, agent_id: str, file: str | None, draft: bool, **_options: Any) -> None:
        agent = DjangoAgent.objects.filter(agent_id=agent_id).first()
        if agent is None:
            raise CommandError(f"There is no agent {agent_id!r}.")
        wants_draft = draft or not agent.version
        text = files.written(agent, queries.worked_on(agent, queries.draft_of(agent)) if wants_draft else blueprint_of(agent))
        if file is None:
            self.stdout.write(text, ending="")
            return
        try:
            Path(file).write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{file} cannot be written: {error.strerror}.") from None
        self.stderr.write(f"{agent.name} is in {file}.")

    def read(self, *, file: str, team: str | None, by: str | None, **_options: Any) -> None:
        try:
            data = sys.stdin.buffer.read(files.MOST_BYTES + 1) if file == "-" else self._content(Path(file))
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
        try:
            agent, given = actions.import_agent(data=data, team=team_named(team), by=operator_named(by))
        except Problem as problem:
            raise CommandError(problem.sentence) from None
        self.stdout.write(f"The draft {agent.agent_id} is made. Look at it in the workshop, and publish it there.")
        for sentence in given.missing:
            self.stdout.write(f"- {sentence}")

    @staticmethod
    def _content(path: Path) -> bytes:
        """No more than says that it is too much."""
        with path.open("rb") as file:
            return file.read(files.MOST_BYTES + 1)
