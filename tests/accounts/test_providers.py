"""Signing in by a provider of OpenID Connect: a real one, in a thread, is asked over loopback."""

import logging
import time
import warnings
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.test import Client

from agentos.access import invitations
from agentos.access.actions import add_member
from agentos.access.models import Membership, Team, User
from agentos.accounts.models import GroupRole, Provider
from agentos.core.security.secrets import seal
from tests.accounts.conftest import links
from tests.factories import PASSWORD, TeamFactory
from tests.html import page

logging.getLogger("werkzeug").setLevel(logging.ERROR)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import flask
    from oidc_provider_mock import run_server_in_thread

LOGIN = "/openid/company/login/"
OLGA = {"email": "owner@example.com", "email_verified": True, "name": "Olga Of The Provider"}
EVENTS: dict[str, Any] = {"http://schemas.openid.net/event/backchannel-logout": {}}

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class Company:
    def __init__(self, url: str, server: Any) -> None:
        self.url = url
        self.key: Any = None

        @server.app.before_request
        def look() -> None:
            self.key = flask.g.oidc_provider_mock_storage.jwk

    def knows(self, sub: str, **claims: Any) -> None:
        httpx.put(f"{self.url}/users/{sub}", json=claims).raise_for_status()

    def lets_in(self, client: Client, sub: str) -> str:
        """Go there and back as a browser does. Returns the callback's path, which nobody has opened yet."""
        page_there = client.post(LOGIN)
        assert page_there.status_code == 200
        url = str(page(page_there).one("meta[http-equiv=refresh]")["content"]).removeprefix("0; url=")
        assert {"code_challenge", "state"} <= parse_qs(urlsplit(url).query).keys()
        back = httpx.post(url, data={"sub": sub})
        where = urlsplit(back.headers["location"])
        return f"{where.path}?{where.query}"

    def signed(self, **claims: Any) -> str:
        about = {"iss": self.url, "aud": "agentos", "iat": int(time.time()), "exp": int(time.time()) + 60, "jti": str(time.monotonic_ns())}
        key = self.key.as_pem(is_private=True)
        return jwt.encode({**about, **claims}, key, algorithm="RS256", headers={"kid": self.key.thumbprint()})


@pytest.fixture(scope="module")
def running() -> Iterator[Company]:
    with run_server_in_thread() as server:
        yield Company(f"http://localhost:{server.server_port}", server)


@pytest.fixture
def company(running: Company, db: None) -> Company:
    about = {"slug": "company", "name": "Company", "client_id": "agentos", "secret": seal("s3cret"), "domains": ["example.com"]}
    Provider.objects.create(server_url=running.url, **about)
    return running


def enter(company: Company, sub: str, **claims: Any) -> tuple[Client, Any]:
    company.knows(sub, **claims)
    client = Client()
    return client, client.get(company.lets_in(client, sub))


def is_in(client: Client) -> bool:
    return client.get("/agentos/settings/account/").status_code == 200


class TestSigningIn:
    def test_makes_an_account_with_a_name_and_an_address_that_counts(self, company: Company) -> None:
        assert "Sign in with Company" in Client().get("/sign-in/").content.decode()
        client, answer = enter(company, "nora", email="Nora@Example.com", email_verified=True, name="Nora New")
        assert (answer.status_code, answer["Location"]) == (302, "/agentos/")
        user = User.objects.get()
        assert (user.email, user.name, user.has_usable_password(), user.is_staff) == ("nora@example.com", "Nora New", False, False)
        assert EmailAddress.objects.get(user=user).verified
        assert is_in(client)
        assert 11 * 3600 < client.session.get_expiry_age() <= 12 * 3600
        assert "s3cret" not in str(list(Provider.objects.values()))

    def test_finds_an_account_of_before_and_leaves_its_password(self, company: Company, owner: User) -> None:
        client, _ = enter(company, "olga", **OLGA)
        assert is_in(client)
        assert User.objects.count() == 1
        owner.refresh_from_db()
        assert owner.check_password(PASSWORD)
        client, _ = enter(company, "olga", **{**OLGA, "email": "other@example.com"})  # people are known by the provider's key
        assert SocialAccount.objects.get().user == owner
        assert is_in(client)

    @pytest.mark.parametrize(
        ("domains", "claims"),
        [
            (["example.com"], {"email": "owner@evil.example", "email_verified": True}),
            ([], {"email": "owner@example.com", "email_verified": False}),
            ([], {"email": "owner@example.com"}),
            ([], {"name": "Nobody"}),
        ],
    )
    def test_trusts_no_address_that_is_foreign_or_not_verified(
        self, company: Company, owner: User, domains: list[str], claims: dict[str, Any]
    ) -> None:
        Provider.objects.update(domains=domains)
        client, answer = enter(company, "eve", **claims)
        assert answer.status_code == 403
        assert not is_in(client)
        assert not SocialAccount.objects.exists()
        assert User.objects.count() == 1

    def test_refuses_a_forged_state_a_replayed_callback_and_one_of_another_browser(self, company: Company, owner: User) -> None:
        company.knows("olga", **OLGA)
        client = Client()
        callback = company.lets_in(client, "olga")
        assert client.get(callback.replace("state=", "state=x")).status_code == 401
        assert Client().get(callback).status_code == 401
        assert client.get(callback).status_code == 302
        client.post("/sign-out/")
        assert client.get(callback).status_code == 401
        assert not is_in(client)

    def test_lets_nobody_in_who_has_cancelled_or_is_suspended(self, company: Company, suspended: User) -> None:
        client, _ = enter(company, "sue", email=suspended.email, email_verified=True)
        assert not is_in(client)
        state = parse_qs(urlsplit(company.lets_in(client, "sue")).query)["state"][0]
        assert client.get(f"{LOGIN}callback/?error=access_denied&state={state}").status_code == 401

    def test_needs_an_invitation_where_the_provider_does_not_make_accounts(
        self, company: Company, owner: User, support: Team, letters: Any
    ) -> None:
        Provider.objects.update(can_sign_up=False)
        _client, answer = enter(company, "nora", email="nora@example.com", email_verified=True)
        assert answer.status_code == 403
        assert not User.objects.filter(email="nora@example.com").exists()
        invitations.invite(email="nora@example.com", team=support, by=owner)
        client = Client()
        client.get(links(letters)[0])
        assert client.get(company.lets_in(client, "nora")).status_code == 302
        assert Membership.objects.filter(team=support, user__email="nora@example.com").exists()

    def test_asks_for_our_second_factor_unless_the_provider_has_one(self, company: Company, owner: User) -> None:
        Authenticator.objects.create(user=owner, type="totp", data={"secret": "x"})
        client, answer = enter(company, "olga", **OLGA)
        assert answer["Location"] == "/sign-in/factor/"
        assert not is_in(client)
        Provider.objects.update(has_factor=True)
        client, answer = enter(company, "olga", **OLGA)
        assert is_in(client)

    def test_says_when_the_provider_is_away(self, db: None) -> None:
        about = {"slug": "company", "name": "Company", "client_id": "agentos", "secret": seal("x")}
        Provider.objects.create(server_url="http://localhost:1", **about)
        answer = Client().post(LOGIN)
        assert answer.status_code == 502
        assert "cannot be reached" in answer.content.decode()


class TestGroups:
    def test_are_teams_and_roles_of_which_the_highest_counts(self, company: Company, support: Team) -> None:
        research = TeamFactory(name="Sales")
        for group, team, role in (("staff", support, "member"), ("heads", support, "admin"), ("sales", research, "member")):
            GroupRole.objects.create(provider="company", group=group, team=team, role=role)
        enter(company, "nora", email="nora@example.com", groups=["staff", "heads", "sales", "unknown"])
        user = User.objects.get(email="nora@example.com")
        held = {row.team.name: (row.role, row.source) for row in Membership.objects.filter(user=user)}
        assert held == {"Support": ("admin", "company"), "Sales": ("member", "company")}
        enter(company, "nora", email="nora@example.com", groups=["staff"])
        assert [(row.team.name, row.role) for row in Membership.objects.filter(user=user)] == [("Support", "member")]
        enter(company, "nora", email="nora@example.com")
        assert not Membership.objects.filter(user=user).exists()

    def test_change_nothing_that_people_made_and_keep_the_last_owner(self, company: Company, owner: User, support: Team) -> None:
        sales = TeamFactory(name="Sales")
        GroupRole.objects.create(provider="company", group="staff", team=support, role="member")
        GroupRole.objects.create(provider="company", group="heads", team=sales, role="owner")
        enter(company, "olga", **OLGA, groups=["staff", "heads"])
        assert Membership.objects.get(user=owner, team=support).role == "owner"
        enter(company, "olga", **OLGA, groups=[])
        assert Membership.objects.get(user=owner, team=support).role == "owner"
        assert Membership.objects.get(user=owner, team=sales).role == "owner"
        add_member(team=sales, user=User.objects.create_user("two@example.com"), role="owner", by=None)
        enter(company, "olga", **OLGA, groups=[])
        assert not Membership.objects.filter(user=owner, team=sales).exists()

    def test_that_are_not_listed_let_nobody_in(self, company: Company, owner: User, support: Team) -> None:
        Provider.objects.update(must_be_listed=True)
        GroupRole.objects.create(provider="company", group="staff", team=TeamFactory(name="Sales"), role="member")
        client, _ = enter(company, "olga", **OLGA, groups=["staff"])
        assert is_in(client)
        client, answer = enter(company, "olga", **OLGA, groups=["guests"])
        assert answer.status_code == 403
        assert not is_in(client)
        assert list(Membership.objects.filter(user=owner).values_list("team__name", flat=True)) == ["Support"]


class TestLeaving:
    URL = "/openid/company/logout/"

    def test_ends_all_sign_ins_once_the_provider_says_so(self, company: Company, owner: User) -> None:
        client, _ = enter(company, "olga", **OLGA)
        elsewhere = Client()
        elsewhere.post("/sign-in/", {"email": owner.email, "password": PASSWORD})
        token = company.signed(sub="olga", events=EVENTS)
        assert Client().post(self.URL, {"logout_token": token}).status_code == 200
        assert not is_in(client)
        assert not is_in(elsewhere)
        again, _ = enter(company, "olga", **OLGA)
        assert Client().post(self.URL, {"logout_token": token}).status_code == 400  # replayed
        assert is_in(again)

    def test_is_believed_of_nobody_else(self, company: Company, owner: User) -> None:
        client, _ = enter(company, "olga", **OLGA)
        forged = jwt.encode(
            {"iss": company.url, "aud": "agentos", "sub": "olga", "jti": "1", "events": EVENTS}, "k" * 32, algorithm="HS256"
        )
        for token in (
            "",
            "nothing",
            forged,
            company.signed(sub="olga"),
            company.signed(sub="olga", events=EVENTS, nonce="n"),
            company.signed(events=EVENTS),
            company.signed(sub="olga", events=EVENTS, aud="another"),
            company.signed(sub="olga", events=EVENTS, iss="http://localhost:1"),
            company.signed(sub="olga", events=EVENTS, exp=1),
        ):
            assert Client().post(self.URL, {"logout_token": token}).status_code == 400
        assert is_in(client)
