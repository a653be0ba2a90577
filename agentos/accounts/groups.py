"""What the groups of a provider mean here: teams and roles. One way, at every sign-in."""

from typing import Any

from django.db import transaction

from agentos.access import actions
from agentos.access.models import Membership
from agentos.access.users import User
from agentos.accounts.models import GroupRole, Provider

RANK = {Membership.Role.MEMBER: 0, Membership.Role.ADMIN: 1, Membership.Role.OWNER: 2}


def claimed(row: Provider, data: dict[str, Any]) -> set[str]:
    """Return the groups that a provider names, in what it says of a user or in the token."""
    for part in (data.get("userinfo"), data.get("id_token"), data):
        found = (part or {}).get(row.groups_claim) if row.groups_claim else None
        if isinstance(found, str):
            return {found}
        if isinstance(found, list):
            return {str(group) for group in found[:1000]}
    return set()


def _wanted(row: Provider, data: dict[str, Any]) -> dict[int, str]:
    """Return the role in each team, by the team's key: the highest, where several groups give one."""
    wanted: dict[int, str] = {}
    for mapping in GroupRole.objects.filter(provider=row.slug, group__in=claimed(row, data)):
        before = wanted.get(mapping.team_id)
        if before is None or RANK[Membership.Role(mapping.role)] > RANK[Membership.Role(before)]:
            wanted[mapping.team_id] = mapping.role
    return wanted


def listed(row: Provider, data: dict[str, Any]) -> bool:
    return GroupRole.objects.filter(provider=row.slug, group__in=claimed(row, data)).exists()


@transaction.atomic
def sync(row: Provider, user: User, data: dict[str, Any]) -> None:
    """Make, change and end the memberships that this provider makes. Those that people made stay as they are, and so does a last owner."""
    wanted = _wanted(row, data)
    for membership in Membership.objects.filter(user=user).select_related("team").order_by("team"):
        role = wanted.pop(membership.team_id, None)
        if membership.source != row.slug or role == membership.role:
            continue
        try:
            if role is None:
                actions.remove_member(membership=membership, by=None)
            else:
                actions.change_role(membership=membership, role=role, by=None)
        except (actions.LastOwner, actions.NotInTeam):
            continue
    for mapping in GroupRole.objects.filter(provider=row.slug, team__in=wanted).select_related("team"):
        if role := wanted.pop(mapping.team_id, None):
            actions.add_member(team=mapping.team, user=user, role=role, by=None, source=row.slug)


def leave(row: Provider, user: User) -> None:
    """End what this provider made for a user whom it does not list any more."""
    sync(row, user, {})
