"""What people and agents do with memories. Each leaves an audit record, which never holds what is remembered."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from agentos.access.users import User
from agentos.agents.models import DjangoAgent
from agentos.audit.actions import record
from agentos.core import clock
from agentos.core.security.invisible import without
from agentos.core.security.redaction import redacted
from agentos.core.text import clean, folded
from agentos.memories.errors import InvalidMemory, MemoryIsOff, NoSuchMemory, TooManyMemories
from agentos.memories.models import TEXT_LIMIT, Memory, MemorySettings
from agentos.memories.queries import told_to

MEMORIES = 200  # of one person
A_RUN = 10  # that one answer may note

KEEP: Any = object()  # leave as it is


@transaction.atomic
def turn_on(*, by: User) -> None:
    _switch(by, on=True)


@transaction.atomic
def turn_off(*, by: User) -> None:
    """What is remembered stays, and no agent is told of it until it is turned on again."""
    _switch(by, on=False)


@transaction.atomic
def add_memory(*, text: str, agent: DjangoAgent | None, by: User) -> Memory:
    """Raises InvalidMemory, TooManyMemories."""
    return _add(_locked(by.pk), _checked_text(text), agent, by=Memory.By.USER)


@transaction.atomic
def change_memory(*, memory: Memory, by: User, text: str | None = None, agent: DjangoAgent | None = KEEP) -> None:
    """Change what is given. Raises InvalidMemory."""
    changed = {} if text is None else {"text": _checked_text(text)}
    columns: dict[str, Any] = {**changed, **({} if agent is KEEP else {"agent": agent})}
    for name, value in columns.items():
        setattr(memory, name, value)
    memory.updated_at = clock.now()
    memory.save(update_fields=[*columns, "updated_at"])
    _record("changed", memory, by, fields=sorted(columns))


@transaction.atomic
def delete_memory(*, memory: Memory, by: User) -> None:
    _record("deleted", memory, by)
    memory.delete()


@transaction.atomic
def delete_memories(*, by: User) -> int:
    """Delete all that is remembered of them."""
    count, _models = Memory.objects.filter(user=by).delete()
    record("memories.memories.deleted", by=by, object_type="user", object_id=str(by.pk), count=count)
    return count


@transaction.atomic
def remember(*, by: User, agent_id: str, text: str, session_id: str, run_id: str) -> tuple[Memory, bool]:
    """Note something of the user whose run it is, as an agent does, for itself; return the memory, and whether it is new.

    Raises InvalidMemory, MemoryIsOff, TooManyMemories.
    """
    settings = _on(by)
    said = _checked_text(text)
    if redacted(said) != said:
        raise InvalidMemory("text", "That looks like a password or a key. Secrets are not remembered.")
    known = [memory for memory in told_to(by.pk, agent_id) if folded(memory.text) == folded(said)]
    if known:
        return known[0], False
    if Memory.objects.filter(user=by, run_id=run_id).count() >= A_RUN:
        raise TooManyMemories(f"One answer can remember {A_RUN} things.")
    agent = DjangoAgent.objects.get(agent_id=agent_id)
    return _add(settings, said, agent, by=Memory.By.MODEL, session_id=session_id, run_id=run_id), True


@transaction.atomic
def forget(*, by: User, agent_id: str, number: int) -> Memory:
    """Delete what an agent is told under this number, as the agent does; return what it was. Raises MemoryIsOff, NoSuchMemory."""
    _on(by)
    memory = told_to(by.pk, agent_id).select_related("agent").filter(number=number).first()
    if memory is None:
        raise NoSuchMemory(f"Nothing is remembered under the number {number}.")
    delete_memory(memory=Memory.objects.get(pk=memory.pk), by=by)
    return memory


@transaction.atomic
def restore(*, number: int, text: str, agent_id: str, by: User) -> bool:
    """Bring back what an agent has forgotten, under its number; return whether that was needed. Raises TooManyMemories."""
    settings = _locked(by.pk)
    if number > settings.last_number or Memory.objects.filter(user=by, number=number).exists():
        return False
    agent = DjangoAgent.objects.filter(agent_id=agent_id).first() if agent_id else None
    if agent_id and agent is None:
        return False
    _check_room(by.pk)
    memory = Memory.objects.create(user=by, number=number, text=text[:TEXT_LIMIT], agent=agent)
    _record("made", memory, by)
    return True


def _checked_text(text: str) -> str:
    """Return it as it is kept: in one line, without what nobody sees. Raises InvalidMemory."""
    said = " ".join(without(clean(text)).split())
    if not said:
        raise InvalidMemory("text", _("Write what is to be remembered."))
    if len(said) > TEXT_LIMIT:
        raise InvalidMemory(
            "text", _("A memory can have %(limit)s characters; this one has %(size)s.") % {"limit": TEXT_LIMIT, "size": f"{len(said):,}"}
        )
    return said


def _add(settings: MemorySettings, text: str, agent: DjangoAgent | None, **about: Any) -> Memory:
    _check_room(settings.user_id)
    settings.last_number += 1
    settings.save(update_fields=["last_number"])
    memory = Memory.objects.create(user=settings.user, number=settings.last_number, text=text, agent=agent, **about)
    _record("made", memory, settings.user, noted_by=memory.by)
    return memory


def _check_room(user_pk: int) -> None:
    if Memory.objects.filter(user=user_pk).count() >= MEMORIES:
        raise TooManyMemories(_("%(limit)d things are remembered already. Delete some first.") % {"limit": MEMORIES})


def _switch(by: User, *, on: bool) -> None:
    settings = _locked(by.pk)
    if settings.is_on is not on:
        settings.is_on = on
        settings.save(update_fields=["is_on"])
        record(f"memories.turned_{'on' if on else 'off'}", by=by, object_type="user", object_id=str(by.pk))


def _locked(user_pk: int) -> MemorySettings:
    MemorySettings.objects.get_or_create(user_id=user_pk)
    return MemorySettings.objects.select_for_update(of=("self",)).select_related("user").get(user_id=user_pk)


def _on(by: User) -> MemorySettings:
    settings = MemorySettings.objects.select_for_update(of=("self",)).select_related("user").filter(user=by).first()
    if settings is None or not settings.is_on:
        raise MemoryIsOff("The user has turned memory off.")
    return settings


def _record(verb: str, memory: Memory, by: User, **about: Any) -> None:
    agent = memory.agent.agent_id if memory.agent else ""
    record(f"memories.memory.{verb}", by=by, object_type="memory", object_id=str(memory.number), agent=agent, **about)
