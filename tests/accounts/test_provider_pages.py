"""The pages on which operators set up providers of sign-ins: beside a real one, in a thread, on loopback."""

from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from django.urls import reverse

from agentos.access.models import Membership, Team, User
from agentos.accounts import providers, reaching
from agentos.accounts.models import GroupRole, Provider
from agentos.audit.models import AuditRecord
from agentos.core.security.secrets import unseal
from tests.accounts.test_providers import Company, enter, is_in, running
from tests.factories import MembershipFactory
from tests.html import page

__all__ = ["running"]

URL = "/agentos/settings/providers/"
FILLED = {
    "name": "Company",
    "slug": "company",
    "client_id": "agentos",
    "new_secret": "s3cret",
    "domains": "Example.com, example.org",
    "can_sign_up": "on",
    "groups_claim": "groups",
}

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


@pytest.fixture
def stored(running: Company, as_operator: Client) -> Provider:
    assert as_operator.post(f"{URL}new/", {**FILLED, "server_url": running.url})["Location"] == f"{URL}company/"
    return Provider.objects.get()


class TestSettingUp:
    def test_lets_people_sign_in_and_puts_them_into_teams(
        self, stored: Provider, running: Company, as_operator: Client, support: Team
    ) -> None:
        as_operator.post(f"{URL}company/groups/", {"group": "writers", "team": support.pk, "role": "admin"})
        client, _ = enter(running, "page-nora", email="nora@example.com", email_verified=True, name="Nora New", groups=["writers"])
        assert is_in(client)
        made = Membership.objects.get(user__email="nora@example.com")
        assert (made.team, made.role, made.source) == (support, "admin", "company")

    def test_seals_the_secret_and_never_shows_it(self, stored: Provider, as_operator: Client) -> None:
        assert (unseal(stored.secret), stored.domains) == ("s3cret", ["example.com", "example.org"])
        assert "s3cret" not in as_operator.get(f"{URL}company/").content.decode()
        as_operator.post(f"{URL}company/", {**FILLED, "server_url": stored.server_url, "new_secret": "", "name": "Renamed"})
        stored.refresh_from_db()
        assert (unseal(stored.secret), stored.name) == ("s3cret", "Renamed")
        as_operator.post(f"{URL}company/", {**FILLED, "server_url": stored.server_url, "new_secret": "another"})
        stored.refresh_from_db()
        assert unseal(stored.secret) == "another"
        assert "s3cret" not in str(list(AuditRecord.objects.values()))

    def test_keeps_the_short_name_by_which_people_are_known(self, stored: Provider, as_operator: Client) -> None:
        as_operator.post(f"{URL}company/", {**FILLED, "server_url": stored.server_url, "slug": "other"})
        stored.refresh_from_db()
        assert stored.slug == "company"

    def test_with_another_issuer_forgets_what_the_last_one_called_people(self, stored: Provider, as_operator: Client, member: User) -> None:
        SocialAccount.objects.create(user=member, provider="company", uid="m")
        as_operator.post(f"{URL}company/", {**FILLED, "server_url": stored.server_url, "name": "Renamed"})
        assert SocialAccount.objects.exists()
        as_operator.post(f"{URL}company/", {**FILLED, "server_url": f"{stored.server_url}/other"})
        assert not SocialAccount.objects.exists()

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"server_url": "ftp://id.example.com"}, "server_url"),
            ({"slug": "openid"}, "slug"),
            ({"slug": "new"}, "slug"),
            ({"slug": "Not One"}, "slug"),
            ({"new_secret": ""}, "new_secret"),
            ({"name": ""}, "name"),
        ],
    )
    def test_says_what_is_wrong(self, as_operator: Client, wrong: dict[str, str], field: str) -> None:
        answer = as_operator.post(f"{URL}new/", {**FILLED, "server_url": "https://id.example.com", **wrong})
        assert answer.status_code == 422
        assert page(answer).has(f"#id_{field}_error")
        assert not Provider.objects.exists()

    def test_tells_the_addresses_that_the_provider_has_to_know(self, stored: Provider, as_operator: Client) -> None:
        shown = page(as_operator.get(f"{URL}company/")).text(".facts")
        assert "http://testserver/openid/company/login/callback/" in shown
        assert "http://testserver/openid/company/logout/" in shown


class TestTrying:
    def test_says_who_answers(self, stored: Provider, running: Company, as_operator: Client) -> None:
        assert f"It answers, as {running.url}" in page(as_operator.post(f"{URL}company/try/")).text("#tried")

    @pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://localhost/nothing here"])
    def test_says_when_nobody_does(self, stored: Provider, as_operator: Client, url: str) -> None:
        Provider.objects.update(server_url=url)
        assert "It does not answer" in page(as_operator.post(f"{URL}company/try/")).text("#tried")

    def test_follows_nobody_without_tls(self, stored: Provider, as_operator: Client, settings: Any) -> None:
        settings.AGENTOS_LOCAL = False
        assert "It does not answer" in page(as_operator.post(f"{URL}company/try/")).text("#tried")

    def test_asks_the_one_of_the_environment_as_it_is_named(self, running: Company, as_operator: Client, settings: Any) -> None:
        settings.AGENTOS_OPENID_URL, settings.AGENTOS_LOCAL = running.url, False
        assert "It answers" in page(as_operator.post(f"{URL}openid/try/")).text("#tried")

    @pytest.mark.parametrize(("limit", "least"), [("LARGEST", 100), ("SECONDS", -1.0)])
    def test_listens_to_no_endless_answer(
        self, stored: Provider, as_operator: Client, monkeypatch: pytest.MonkeyPatch, limit: str, least: float
    ) -> None:
        monkeypatch.setattr(reaching, limit, least)
        assert "It does not answer" in page(as_operator.post(f"{URL}company/try/")).text("#tried")


class TestOfTheEnvironment:
    @pytest.fixture(autouse=True)
    def _named(self, settings: Any) -> None:
        settings.AGENTOS_OPENID_URL = "https://id.example.com"
        settings.AGENTOS_OPENID_NAME = "House"
        settings.AGENTOS_OPENID_CLIENT_SECRET = "of-the-environment"

    def test_is_shown_first_and_changed_there(self, stored: Provider, as_operator: Client) -> None:
        assert page(as_operator.get(URL)).texts("#providers h3") == ["House", "Company"]
        shown = as_operator.get(f"{URL}openid/").content.decode()
        assert "of-the-environment" not in shown
        assert "provider-form" not in shown
        for path in ("", "delete/"):
            assert as_operator.post(f"{URL}openid/{path}", {**FILLED, "server_url": "https://evil.example"}).status_code == 403
        assert providers.all_of_them()[0].server_url == "https://id.example.com"

    def test_has_groups_that_are_set_here(self, as_operator: Client, support: Team) -> None:
        as_operator.post(f"{URL}openid/groups/", {"group": "writers", "team": support.pk, "role": "member"})
        assert GroupRole.objects.get().provider == "openid"


class TestGroups:
    def test_are_one_of_a_kind_and_removed(self, stored: Provider, as_operator: Client, support: Team) -> None:
        for role in ("member", "owner"):
            as_operator.post(f"{URL}company/groups/", {"group": "writers", "team": support.pk, "role": role})
        made = GroupRole.objects.get()
        assert made.role == "owner"
        other = GroupRole.objects.create(provider="other", group="x", team=support)
        assert as_operator.post(f"{URL}company/groups/{other.pk}/delete/").status_code == 404
        as_operator.post(f"{URL}company/groups/{made.pk}/delete/")
        assert GroupRole.objects.get() == other

    @pytest.mark.parametrize(("wrong", "field"), [({"group": " "}, "group"), ({"team": "0"}, "team"), ({"role": "king"}, "role")])
    def test_say_what_is_wrong(self, stored: Provider, as_operator: Client, support: Team, wrong: dict[str, str], field: str) -> None:
        answer = as_operator.post(f"{URL}company/groups/", {"group": "writers", "team": support.pk, "role": "member", **wrong})
        assert answer.status_code == 422
        assert page(answer).has(f"#id_{field}_error")


class TestDeleting:
    @pytest.mark.parametrize("by", ["page", "administration", "list of the administration"])
    def test_leaves_people_and_what_they_are_in(
        self, stored: Provider, as_operator: Client, operator: User, support: Team, member: User, by: str
    ) -> None:
        GroupRole.objects.create(provider="company", group="writers", team=support)
        SocialAccount.objects.create(user=member, provider="company", uid="m")
        came = MembershipFactory(team=support, source="company")
        User.objects.filter(pk=operator.pk).update(is_superuser=True)
        there = reverse("admin:accounts_provider_changelist")
        if by == "page":
            as_operator.post(f"{URL}company/delete/")
        elif by == "administration":
            as_operator.post(f"{there}{stored.pk}/delete/", {"post": "yes"})
        else:
            as_operator.post(there, {"action": "delete_selected", "_selected_action": [stored.pk], "post": "yes"})
        assert not Provider.objects.exists()
        assert not GroupRole.objects.exists()
        came.refresh_from_db()
        assert came.source == ""
        assert AuditRecord.objects.filter(verb="access.provider.deleted").count() == 1
        assert Client().post("/openid/company/login/").status_code == 404

    def test_forgets_what_it_called_people(self, stored: Provider, running: Company, as_operator: Client) -> None:
        """Another provider of this name may call somebody else the same."""
        enter(running, "one", email="first@example.com", email_verified=True)
        as_operator.post(f"{URL}company/delete/")
        as_operator.post(f"{URL}new/", {**FILLED, "server_url": running.url})
        client, _ = enter(running, "one", email="second@example.com", email_verified=True)
        assert client.session["_auth_user_id"] == str(User.objects.get(email="second@example.com").pk)
