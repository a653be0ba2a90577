"""The versions of an agent: publishing makes one, and so does restoring an earlier one."""

from django.db import transaction
from django.utils.translation import gettext as _

from agentos.access.users import User
from agentos.agents import blueprint as blueprints
from agentos.agents import members, queries, readiness
from agentos.agents.actions.drafts import to_change
from agentos.agents.actions.locking import lock_to_edit, lock_with_members
from agentos.agents.actions.members import set_members
from agentos.agents.errors import DraftMoved, InvalidAgent, NothingNew, NotReady
from agentos.agents.models import NOTE_LENGTH, AgentVersion, DjangoAgent
from agentos.audit.actions import record
from agentos.core import clock
from agentos.core.events import emit
from agentos.core.text import clean


@transaction.atomic
def publish_agent(*, agent: DjangoAgent, note: str = "", stamp: str | None = None, by: User | None) -> AgentVersion:
    """Make the draft what everybody uses who may, and the agent active. ``stamp`` as in ``save_draft``.

    Raises DraftMoved, InvalidAgent, NothingNew, NotReady, NotYourAgent.
    """
    locked = queries.worked_on(agent, queries.draft_of(agent))["members"]
    lock_with_members(agent, locked)
    agent, draft = to_change(agent, stamp, by)
    if draft.blueprint is None:
        raise NothingNew
    if queries.worked_on(agent, draft)["members"] != locked:
        raise DraftMoved(draft)
    published = _publish(agent, queries.worked_on(agent, draft), _note(note), by, activate=True)
    draft.blueprint, draft.by, draft.updated_at = None, by, clock.now()
    draft.revision += 1
    draft.save()
    record("agents.version.published", by=by, object_type="agent", object_id=agent.agent_id, version=published.number)
    return published


@transaction.atomic
def restore_version(*, agent: DjangoAgent, number: int, note: str = "", by: User | None) -> AgentVersion:
    """Publish once more what an earlier version was. A draft stays.

    Raises AgentVersion.DoesNotExist, NothingNew, NotReady, NotYourAgent.
    """
    stored = AgentVersion.objects.filter(agent=agent, number=number).values_list("blueprint", flat=True).first()
    lock_with_members(agent, blueprints.whole(stored or {})["members"])
    agent = lock_to_edit(agent, by)
    earlier = AgentVersion.objects.get(agent=agent, number=number)
    said = _note(note) or f"As version {number} was."
    restored = _publish(agent, blueprints.whole(earlier.blueprint), said, by, activate=False)
    record("agents.version.restored", by=by, object_type="agent", object_id=agent.agent_id, version=restored.number, restored=number)
    return restored


@transaction.atomic
def keep_version(*, agent: DjangoAgent, by: User | None, note: str = "") -> AgentVersion | None:
    """Note what was changed past its draft, in the administration: as a version of its own. None: it is what the last one was."""
    last = AgentVersion.objects.filter(agent=agent).first()
    now = blueprints.blueprint_of(agent)
    if last and last.number == agent.version and blueprints.whole(last.blueprint) == now:
        return None
    agent.version = last.number + 1 if last else max(agent.version, 1)
    agent.save(update_fields=["version"])
    return AgentVersion.objects.create(agent=agent, number=agent.version, blueprint=now, by=by, note=note)


def first_version(agent: DjangoAgent, by: User | None) -> None:
    AgentVersion.objects.create(agent=agent, number=agent.version, blueprint=blueprints.blueprint_of(agent), by=by)


def _publish(agent: DjangoAgent, blueprint: blueprints.Blueprint, note: str, by: User | None, *, activate: bool) -> AgentVersion:
    if missing := readiness.objections(blueprint, agent=agent, by=by):
        raise NotReady(missing)
    if agent.version and blueprint == blueprints.blueprint_of(agent):
        raise NothingNew
    if agent.version:
        keep_version(agent=agent, by=None)  # what was written past all of this
    agent.version += 1
    agent.is_active = agent.is_active or activate
    has_members = agent.roster.exists()
    blueprints.apply(agent, blueprint)
    agent.save()
    if has_members or blueprint["members"]:
        set_members(team=agent, members=[(row.agent, row.task) for row in members.rows(agent, blueprint["members"])], by=by)
    version = AgentVersion.objects.create(agent=agent, number=agent.version, blueprint=blueprint, by=by, note=note)
    emit("agent.published", agent=agent, version=version.number, by=by and by.pk)
    return version


def _note(text: str) -> str:
    note = " ".join(clean(text).split())
    if len(note) > NOTE_LENGTH:
        raise InvalidAgent(
            "note", _("A note has at most %(most)s characters; this one has %(has)s.") % {"most": NOTE_LENGTH, "has": f"{len(note):,}"}
        )
    return note
