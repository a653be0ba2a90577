"""What operators do with providers of sign-ins: each change with its audit record, in one transaction.

InvalidGroup     a group cannot be given a team like that; names the field
"""

from allauth.socialaccount.models import SocialAccount
from django.db import transaction
from django.utils.translation import gettext as _

from agentos.access.actions import AccessError
from agentos.access.models import Membership, Team
from agentos.access.users import User
from agentos.accounts.models import GroupRole, Provider
from agentos.audit.actions import record
from agentos.core.security import secrets

GROUP_LIMIT = 200  # characters


class InvalidGroup(AccessError):
    status = 422

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


@transaction.atomic
def save_provider(*, provider: Provider, secret: str = "", by: User) -> Provider:
    """Store a provider as it is now. ``secret``: of the client; it is sealed, and an empty one leaves what there is.

    One with another issuer is another one: what the last one called people is forgotten, as when it is deleted.
    """
    if Provider.objects.filter(pk=provider.pk).exclude(server_url=provider.server_url).exists():
        SocialAccount.objects.filter(provider=provider.slug).delete()
    if secret:
        provider.secret = secrets.seal(secret)
    provider.save()
    record("access.provider.saved", by=by, object_type="provider", object_id=provider.slug, new_secret=bool(secret))
    return provider


@transaction.atomic
def delete_provider(*, provider: Provider, by: User) -> None:
    """Nobody signs in by it any more. Accounts stay, and the memberships that it made, which are people's from now on.

    What it called people is forgotten: another provider that gets its short name may call others by the same.
    """
    record("access.provider.deleted", by=by, object_type="provider", object_id=provider.slug)
    GroupRole.objects.filter(provider=provider.slug).delete()
    Membership.objects.filter(source=provider.slug).update(source="")
    SocialAccount.objects.filter(provider=provider.slug).delete()
    provider.delete()


@transaction.atomic
def add_group(*, provider: Provider, group: str, team: Team, role: str, by: User) -> GroupRole:
    """Say that whoever the provider says is in a group is in a team; of several roles the last said. Raises InvalidGroup."""
    name = group.strip()
    if not 1 <= len(name) <= GROUP_LIMIT:
        raise InvalidGroup("group", _("Name the group, as the provider calls it."))
    if role not in Membership.Role.values:
        raise InvalidGroup("role", _("Choose one of the roles."))
    made: GroupRole = GroupRole.objects.update_or_create(provider=provider.slug, group=name, team=team, defaults={"role": role})[0]
    record("access.group_role.saved", by=by, object_type="provider", object_id=provider.slug, team=team.pk, role=role)
    return made


@transaction.atomic
def remove_group(*, mapping: GroupRole, by: User) -> None:
    """It counts at the next sign-in of each: then the memberships that it made end."""
    record("access.group_role.deleted", by=by, object_type="provider", object_id=mapping.provider, team=mapping.team_id)
    mapping.delete()
