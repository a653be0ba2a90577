"""Asking for an agent that is locked, and deciding who gets it."""

from django.db import transaction
from django.utils.translation import gettext as _

from agentos.access.actions import AccessError, add_member
from agentos.access.adapters import is_default_rule
from agentos.access.users import User
from agentos.agents import mail, queries
from agentos.agents.models import AccessRequest, DjangoAgent
from agentos.audit.actions import record
from agentos.conf import app_settings
from agentos.core import notices, people
from agentos.core.ratelimit import limits
from agentos.core.security.invisible import visible


class CannotGrant(AccessError):
    """An agent that no team opens."""

    status = 409
    code = "no_team"

    def __init__(self) -> None:
        super().__init__(_("No team opens this agent. Give them its plan in the administration."))


def ask_for_access(*, agent: DjangoAgent, by: User) -> AccessRequest:
    """Ask for an agent that is locked; those who decide are told, by mail once a day at most. To ask again changes nothing.

    Raises ``Problem`` 429."""
    limits.check(
        "ask-access",
        str(by.pk),
        limit=app_settings.CREATIONS_A_MINUTE,
        seconds=60,
        sentence="You asked for access too often in a short time.",
    )
    with transaction.atomic():
        asked, is_new = AccessRequest.objects.get_or_create(agent=agent, user=by)
        if is_new:
            if not mail.was_mailed(agent_id=agent.agent_id, by=by):
                mail.tell(asked)
            record(mail.ASKED, by=by, object_type="agent", object_id=agent.agent_id)
            for pk in queries.deciders_of(agent).values_list("pk", flat=True):
                notices.send(pk, f"{visible(people.name_of(by))} asks for access to {agent}. See Settings, Access requests.")
    return asked


@transaction.atomic
def grant_access(*, asked: AccessRequest, by: User) -> None:
    """Take who asks into the agent's team. Raises CannotGrant."""
    team = asked.agent.team
    if team is None or not is_default_rule():
        raise CannotGrant
    if not team.members.filter(user=asked.user).exists():
        add_member(team=team, user=asked.user, by=by)
    _decide(asked, "agents.access.granted", by, f"{asked.agent} is open to you now.")


@transaction.atomic
def decline_access(*, asked: AccessRequest, by: User) -> None:
    """Leave the agent closed. They may ask again."""
    _decide(asked, "agents.access.declined", by, f"You did not get access to {asked.agent}.")


def _decide(asked: AccessRequest, verb: str, by: User, sentence: str) -> None:
    user_pk, agent_id = asked.user_id, asked.agent.agent_id
    asked.delete()
    record(verb, by=by, object_type="agent", object_id=agent_id, user=user_pk)
    notices.send(user_pk, sentence)
