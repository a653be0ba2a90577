"""Which providers of sign-ins there are: one of the environment, and those that operators have set up."""

from dataclasses import dataclass

from django.db.models import QuerySet

from agentos.accounts.models import GroupRole, Provider
from agentos.conf import app_settings
from agentos.core.security import secrets

ENVIRONMENT = "openid"  # the slug of the one that the environment names


@dataclass(frozen=True, slots=True)
class Offered:
    slug: str
    name: str


def of_environment() -> Provider | None:
    if not app_settings.OPENID_URL:
        return None
    return Provider(
        slug=ENVIRONMENT,
        name=app_settings.OPENID_NAME,
        server_url=app_settings.OPENID_URL,
        client_id=app_settings.OPENID_CLIENT_ID,
        secret=secrets.seal(app_settings.OPENID_CLIENT_SECRET),
        domains=list(app_settings.OPENID_DOMAINS),
        can_sign_up=app_settings.OPENID_SIGN_UP,
        has_factor=app_settings.OPENID_HAS_FACTOR,
        groups_claim=app_settings.OPENID_GROUPS_CLAIM,
    )


def all_of_them() -> list[Provider]:
    """Return the one of the environment first. One query."""
    first = of_environment()
    return [*([first] if first else []), *Provider.objects.exclude(slug=ENVIRONMENT)]


def named(slug: str) -> Provider | None:
    return next((provider for provider in all_of_them() if provider.slug == slug), None)


def offered() -> list[Offered]:
    """Return what the sign-in page offers."""
    return [Offered(provider.slug, provider.name) for provider in all_of_them()]


def may_be_reached(url: str) -> bool:
    """TLS stands for the signature of what a provider answers us directly; on one's own machine there is none."""
    return url.startswith("https://") or (app_settings.LOCAL and url.startswith("http://"))


def stored(slug: str) -> Provider | None:
    """Return one that operators have set up, by its slug."""
    return Provider.objects.exclude(slug=ENVIRONMENT).filter(slug=slug).first()


def groups_of(provider: Provider) -> QuerySet[GroupRole]:
    return GroupRole.objects.filter(provider=provider.slug).select_related("team").order_by("group", "team__name")
