"""The files of messages and answers: who may see one, and which a run has.

There is one right: a file that was sent is seen by whoever sees a run that it goes with (``queries``), and one that was not sent yet by its
owner. Whoever adds files to a run does it in the transaction of what makes them: ``bind``, ``keep_made``.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from django.db import transaction
from django.db.models import Exists, F, OuterRef

from agentos.access.users import User
from agentos.agents.abilities import media_of
from agentos.agents.media import objection
from agentos.agents.models import DjangoAgent
from agentos.chat.errors import InvalidInput
from agentos.chat.models import ChatSession, Run, RunFile
from agentos.core import clock
from agentos.core.db.prepared import Query
from agentos.files.actions import attach
from agentos.files.models import Attachment, Blob

PERSON = RunFile.Origin.PERSON


def place_of(*, session: ChatSession | None = None, agent_id: str = "") -> str:
    """Where a file waits until it is sent: a chat, or the first message to an agent."""
    return session.session_id if session else f"agent:{agent_id}"


def pending(user: User, place: str) -> list[Attachment]:
    """The files that this user is going to send there, in the order in which they came."""
    return _PENDING.all(user.pk, place)


_PENDING = Query(lambda user, place: Attachment.objects.select_related("blob").filter(owner=user, place=place).order_by("pk"), int, str)


def attachment_for(user: User, file_id: str) -> Attachment | None:
    """A file that this user may see now."""
    theirs = RunFile.objects.filter(
        attachment=OuterRef("pk"), run__session__user=user, run__session__deleted_at__isnull=True, run__session__is_ephemeral=False
    )
    found = Attachment.objects.select_related("blob").annotate(is_in_a_chat=Exists(theirs)).filter(file_id=file_id).first()
    if found is None:
        return None
    is_pending = found.owner_id == user.pk and found.sweep_after is not None and found.sweep_after > clock.now()
    return found if found.is_in_a_chat or is_pending else None


def attachments_of(runs: Iterable[Run]) -> dict[int, list[RunFile]]:
    """The files of runs by the runs' keys: those of the message first, each with ``attachment`` and its ``blob``. One query, and none where
    no run has a file."""
    keys = [run.pk for run in runs if run.file_count]
    found: dict[int, list[RunFile]] = defaultdict(list)
    if keys:
        rows = RunFile.objects.select_related("attachment__blob").filter(run__in=keys)
        for row in sorted(rows, key=lambda row: (row.origin != PERSON, row.position, row.pk)):
            found[row.run_id].append(row)
    return dict(found)


def of_message(run: Run) -> list[Attachment]:
    return [row.attachment for row in attachments_of([run]).get(run.pk, ()) if row.origin == PERSON]


def bind(*, run: Run, attachments: Sequence[Attachment], origin: str = PERSON) -> None:
    """Add files to a run that is stored, after those that it has of this origin. In the caller's transaction."""
    if not attachments:
        return
    start = RunFile.objects.filter(run=run, origin=origin).count()
    rows = [RunFile(run=run, attachment=each, origin=origin, position=start + place) for place, each in enumerate(attachments)]
    RunFile.objects.bulk_create(rows)
    Run.objects.filter(pk=run.pk).update(file_count=F("file_count") + len(rows))
    run.file_count += len(rows)


def keep_made(*, run: Run, blob: Blob, name: str, origin: str) -> Attachment:
    """Add what a model or a tool has made to the answer of a run, for the owner of its chat (whose the blob has to be). Whoever shows the
    turn counts its revision."""
    with transaction.atomic():
        made = attach(by=run.session.user, blob=blob, name=name)
        Attachment.objects.filter(pk=made.pk).update(sweep_after=None)
        bind(run=run, attachments=[made], origin=origin)
    return made


def copy_files(copies: Sequence[tuple[Run, Run]], *, origins: Collection[str] = (PERSON,)) -> None:
    """Let copies of messages, or of whole turns, have the files of what they are copies of: pairs of both. Three queries for all."""
    found = attachments_of(before for before, _ in copies)
    rows = [
        RunFile(run=copy, attachment_id=row.attachment_id, origin=row.origin, position=row.position)
        for before, copy in copies
        for row in found.get(before.pk, ())
        if row.origin in origins
    ]
    if not rows:
        return
    RunFile.objects.bulk_create(rows)
    for row in rows:
        row.run.file_count += 1
    Run.objects.bulk_update({row.run for row in rows}, ["file_count"])


def check_taken(agent: DjangoAgent, model: str, attachments: Sequence[Attachment]) -> None:
    """Raises InvalidInput for a file that the model cannot take: it is said before it is sent. ``model``: what was chosen; empty for the
    agent's own."""
    if not attachments:
        return
    if agent.kind == DjangoAgent.Kind.STEPS and (first := agent.roster.select_related("agent").first()):
        agent, model = first.agent, ""
    able = media_of(model or agent.model, agent.model_options if model in {"", agent.model} else None)
    for each in attachments:
        if sentence := objection(each.kind, each.mime, able):
            raise InvalidInput("files", sentence)
