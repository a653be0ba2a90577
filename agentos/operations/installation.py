"""What whoever runs the site looks at first: whether all that it needs is there, in words. Asks no server but the database."""

import platform
import shutil
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Min, Sum
from django.template.defaultfilters import filesizeformat
from django.urls import NoReverseMatch, reverse
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from agentos.access.invitations import mails_work
from agentos.access.models import Letter
from agentos.agents.provider_states import ProviderState, provider_states
from agentos.agents.providers import LOCAL, PROVIDERS, SCRIPTED
from agentos.chat.models import IS_OPEN, Run
from agentos.conf import EXTERNAL, app_settings
from agentos.core import clock
from agentos.files.models import Blob
from agentos.files.storage import is_far, store, trouble
from agentos.knowledge import embedding
from agentos.knowledge.queries import lacking_vectors
from agentos.operations.readiness import OK, are_workers_there
from agentos.webhooks.outbound.models import IS_PENDING, Delivery

LATE = timedelta(minutes=5)  # from here on something that waits is not in order
LITTLE = 10  # percent of a disk
PACKAGES = ("agentos-django", "Django", "agno")
SIGN_UP = {
    "closed": "Only operators can make accounts.",
    "invited": "People who are invited can make an account.",
    "domain": "People with an address of these domains can make an account: %s.",
    "open": "Everybody can make an account.",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """``is_ok``: None where there is nothing to be right or wrong. ``page``: the one that says more."""

    name: str
    value: str
    is_ok: bool | None = None
    page: str = ""


def facts() -> list[tuple[str, list[Fact]]]:
    """Return what there is, by what it is about. Few queries, of what is open."""
    return [
        (_("Models"), _models()),
        (_("Mail"), _mail()),
        (_("Work"), _work()),
        (_("Storage"), _storage()),
        (_("Knowledge"), _knowledge()),
        (_("People"), _people()),
        (_("Versions"), _versions()),
    ]


def models_work() -> bool:
    return any(map(_is_set_up, provider_states()))


def _is_set_up(state: ProviderState) -> bool:
    """Of one that needs no key nobody knows whether it is there, unless somebody has made agents with it."""
    is_real = state.slug not in {LOCAL.slug, SCRIPTED.slug}
    return state.is_ready and is_real and bool(state.agents or PROVIDERS[state.slug].keys)


def sign_up() -> str:
    said = _(SIGN_UP[app_settings.SIGN_UP])
    return said % ", ".join(app_settings.SIGN_UP_DOMAINS) if "%s" in said else said


def _models() -> list[Fact]:
    states = provider_states()
    ready = [state.label for state in states if _is_set_up(state)]
    lacking = [state for state in states if state.agents and not state.is_ready]
    url = reverse("dashboard:models")
    found = [Fact(_("Providers that can be used"), ", ".join(ready) or _("None: no key is set."), bool(ready), url)]
    missing = _("Agents have it, and something is missing.")
    return [*found, *(Fact(state.label, " ".join((missing, *state.missing)), is_ok=False, page=url) for state in lacking)]


def _mail() -> list[Fact]:
    works = mails_work()
    found = [Fact(_("Mail server"), str(settings.EMAIL_HOST) if works else _("None: links are shown, to pass on. Set EMAIL_HOST."), works)]
    waiting = Letter.objects.aggregate(oldest=Min("created_at"), tries=Sum("tries"))
    if waiting["oldest"]:
        count = Letter.objects.count()
        said = ngettext("%(count)s mail waits, since %(time)s.", "%(count)s mails wait, the oldest since %(time)s.", count)
        found.append(Fact(_("Outbox"), said % {"count": count, "time": timesince(waiting["oldest"])}, _is_fresh(waiting["oldest"])))
    else:
        found.append(Fact(_("Outbox"), _("Nothing waits."), is_ok=True))
    return found


def _work() -> list[Fact]:
    found = []
    if app_settings.WORKERS == EXTERNAL:
        is_there = are_workers_there() == OK
        said = _("At least one is at work.") if is_there else _("None: nobody answers. Start agentos worker.")
        found.append(Fact(_("Workers"), said, is_there))
    else:
        found.append(Fact(_("Workers"), _("The server itself."), is_ok=True))
    queued = Run.objects.filter(IS_OPEN, status=Run.Status.QUEUED).order_by().aggregate(oldest=Min("created_at"))["oldest"]
    due = Delivery.objects.filter(IS_PENDING).order_by().aggregate(oldest=Min("created_at"))["oldest"]
    for name, oldest in ((_("Messages that wait"), queued), (_("Webhooks that wait"), due)):
        said = _("The oldest since %(time)s.") % {"time": timesince(oldest)} if oldest else _("None.")
        found.append(Fact(name, said, _is_fresh(oldest)))
    return found


def _storage() -> list[Fact]:
    kept = Blob.objects.aggregate(size=Sum("size"))["size"] or 0
    found = [
        Fact(_("Database"), f"{connection.display_name} {'.'.join(map(str, _database_version()))}"),
        Fact(_("Files that are kept"), filesizeformat(kept)),
    ]
    if is_far():
        why = trouble()
        found.append(Fact(_("Storage of the files"), why or _("Answers."), not why))
    folder = "" if is_far() else str(getattr(store(), "location", ""))
    if folder and Path(folder).is_dir():
        disk = shutil.disk_usage(folder)
        said = _("%(free)s of %(all)s are free.") % {"free": filesizeformat(disk.free), "all": filesizeformat(disk.total)}
        found.append(Fact(_("Disk of the files"), said, disk.free * 100 >= disk.total * LITTLE))
    return found


def _knowledge() -> list[Fact]:
    name = _("Found by meaning")
    if missing := embedding.missing():
        return [Fact(name, missing, is_ok=False)]
    if not (model := embedding.model()):
        return [Fact(name, _("No: by words alone. AGENTOS_EMBEDDINGS changes that."))]
    found = [Fact(name, model)]
    if problem := embedding.away():
        at, reason = problem
        said = _("Away: passages are found by their words alone. %(time)s ago: %(reason)s")
        found = [Fact(name, said % {"time": timesince(at), "reason": reason}, is_ok=False)]
    if waiting := lacking_vectors(model):
        said = ngettext("%(count)s document, found by words until then.", "%(count)s documents, found by words until then.", waiting)
        found.append(Fact(_("Documents that wait for it"), said % {"count": waiting}))
    return found


def _people() -> list[Fact]:
    found = [Fact(_("Sign-up"), sign_up())]
    try:
        url = reverse("accounts:providers")
    except NoReverseMatch:
        return found
    from agentos.accounts.providers import all_of_them  # noqa: PLC0415 - which a project with accounts of its own does not have

    names = ", ".join(provider.name for provider in all_of_them())
    return [*found, Fact(_("Sign-in providers"), names or _("None."), page=url)]


def _versions() -> list[Fact]:
    found = [Fact("Python", platform.python_version())]
    for name in PACKAGES:
        try:
            found.append(Fact("AgentOS for Django" if name == PACKAGES[0] else name, version(name)))
        except PackageNotFoundError:
            continue
    return found


def _database_version() -> tuple[Any, ...]:
    return tuple(connection.get_database_version())


def _is_fresh(since: Any) -> bool:
    return since is None or clock.now() - since < LATE
