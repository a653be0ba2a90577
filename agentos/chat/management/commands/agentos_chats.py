"""`agentos chats import FILE --for ADDRESS --agent ID`: the chats of an export. `agentos chats export ID [FILE]`: one as a file."""

from pathlib import Path
from typing import Any

from asgiref.sync import async_to_sync
from django.core.management.base import BaseCommand, CommandError, CommandParser

from agentos.access.commands import person_named
from agentos.agents.queries import agents_for
from agentos.chat.exporting import FORMS, written
from agentos.chat.importing.bringing import Report, bring
from agentos.chat.importing.bringing import preview as would_come
from agentos.chat.importing.reading import LARGEST, read
from agentos.chat.models import ChatSession
from agentos.core.http.errors import Problem


class Command(BaseCommand):
    help = "Bring the chats of an export of ChatGPT, Open WebUI, LibreChat, Claude or AgentOS, or write a chat into a file."

    def add_arguments(self, parser: CommandParser) -> None:
        words = parser.add_subparsers(dest="word", required=True)
        read_words = words.add_parser("import", help="bring the chats of an export that are not here")
        read_words.add_argument("path", help="the zip or the JSON that the other site gave")
        read_words.add_argument("--for", dest="person", required=True, help="the e-mail address of the person whose chats they are")
        read_words.add_argument("--agent", required=True, help="the id of the agent that goes on with them")
        read_words.add_argument("--archive", action="store_true", help="into the archive")
        read_words.add_argument("--preview", action="store_true", help="only say what would come")
        export = words.add_parser("export", help="write a chat into a file")
        export.add_argument("session_id", metavar="ID")
        export.add_argument("file", nargs="?", help="where to; without it, ID.FORM")
        export.add_argument("--form", choices=sorted(FORMS), default="md")

    def handle(self, *, word: str, **options: Any) -> None:
        (self.export if word == "export" else self.read)(**options)

    def read(self, *, path: str, person: str, agent: str, archive: bool, preview: bool, **_options: Any) -> None:
        user = person_named(person)
        chosen = agents_for(user).filter(agent_id=agent).first()
        if chosen is None:
            raise CommandError(f"There is no agent {agent!r}, or {person} may not use it.")
        try:
            with Path(path).open("rb") as file:
                given = async_to_sync(read)(file.read(LARGEST + 1))
            report = would_come(given, user) if preview else bring(given=given, agent=chosen, by=user, archive=archive)
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from None
        except Problem as problem:
            raise CommandError(problem.sentence) from None
        self._say(report, "would come" if preview else "came")

    def _say(self, report: Report, what: str) -> None:
        self.stdout.write(f"{', '.join(report.sources)}: {report.chats} chats with {report.messages} messages {what}.")
        if report.known:
            self.stdout.write(f"{report.known} chats are here already.")
        for sentence, examples in report.left_out.sentences():
            self.stdout.write(f"Left out: {': '.join(filter(None, (sentence, '; '.join(examples))))}")
        if report.trouble:
            raise CommandError(f"{report.trouble} What is counted above is here: import the file once more to bring the rest.")

    def export(self, *, session_id: str, file: str | None, form: str, **_options: Any) -> None:
        session = ChatSession.objects.select_related("agent").filter(session_id=session_id, deleted_at=None, is_ephemeral=False).first()
        if session is None:
            raise CommandError(f"There is no chat {session_id!r}.")
        target = Path(file or f"{session_id}.{form}")
        try:
            target.write_bytes(async_to_sync(written)(session, form))
        except Problem as problem:
            raise CommandError(problem.sentence) from None
        except OSError as error:
            raise CommandError(f"{target} cannot be written: {error.strerror}.") from None
        self.stdout.write(f"{session_id} is in {target}.")
