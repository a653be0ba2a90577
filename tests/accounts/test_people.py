"""The operators' pages of people."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from agentos.access.invitations import open_invitations
from agentos.access.models import Membership, Team, User
from agentos.agents.models import DjangoAgent
from agentos.audit.models import AuditRecord
from tests.conftest import signed_in
from tests.factories import MembershipFactory, UserFactory
from tests.html import page

PEOPLE = "/agentos/settings/people/"


class TestPeople:
    def test_are_found_by_name_and_address(self, as_operator: Client, owner: User, member: User) -> None:
        assert len(page(as_operator.get(PEOPLE)).texts("#people h3")) == 3
        assert page(as_operator.get(PEOPLE, {"q": "OLGA"})).texts("#people h3") == ["Olga Owner"]
        assert page(as_operator.get(PEOPLE, {"q": "member@"})).texts("#people h3") == ["Mika Member"]
        assert "Nobody was found" in as_operator.get(PEOPLE, {"q": "zebra"}).content.decode()

    def test_cost_no_query_each(self, as_operator: Client, owner: User, support: Team, django_assert_max_num_queries: Any) -> None:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        def count() -> int:
            with CaptureQueriesContext(connection) as asked:
                as_operator.get(PEOPLE)
                as_operator.get(f"/agentos/settings/teams/{support.pk}/")
            return len(asked)

        before = count()
        for _ in range(20):
            MembershipFactory(team=support, user=UserFactory())
        assert count() == before

    def test_are_invited_into_a_team_or_to_the_site(self, as_operator: Client, support: Team, member: User, settings: Any) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
        wrong = as_operator.post(PEOPLE, {"email": member.email, "role": "member"})
        assert wrong.status_code == 422
        assert page(wrong).texts("#invite-form .error") == ["There is an account with this e-mail address already."]
        made = as_operator.post(PEOPLE, {"email": "Nora@Example.com", "role": "admin", "team": str(support.pk)})
        assert made.status_code == 201
        link = page(made).text("#invitation-link code")
        assert as_operator.get(PEOPLE).content.decode().count(link) == 0  # shown once
        client = Client()
        client.get("/" + link.split("/", 3)[3])
        form = {"name": "Nora", "email": "nora@example.com", "password1": "a long and odd one"}
        assert client.post("/sign-up/", form)["Location"] == "/agentos/"
        assert Membership.objects.get(user__email="nora@example.com").role == "admin"
        as_operator.post(PEOPLE, {"email": "otto@example.com", "role": "member"})
        (open_one,) = open_invitations()
        assert open_one.team is None
        as_operator.post(f"{PEOPLE}invitations/{open_one.pk}/revoke/")
        assert not open_invitations().exists()


class TestAPerson:
    def do(self, client: Client, user: User, what: str) -> None:
        assert client.post(f"{PEOPLE}{user.pk}/do/", {"do": what}).status_code == 303

    def test_is_suspended_opened_again_and_signed_out(self, as_operator: Client, member: User) -> None:
        for what in ("sign-out", "suspend"):
            there = signed_in(User.objects.get(pk=member.pk))
            self.do(as_operator, member, what)
            assert there.get("/agentos/").status_code == 302
        self.do(as_operator, member, "reinstate")
        assert signed_in(User.objects.get(pk=member.pk)).get("/agentos/").status_code == 200
        assert AuditRecord.objects.filter(verb="access.user.suspended").count() == 1

    def test_who_has_lost_their_phone_is_helped_but_not_oneself(self, as_operator: Client, operator: User, member: User) -> None:
        for user in (member, operator):
            Authenticator.objects.create(user=user, type="totp", data={"secret": "x"})
        assert "Reset the second factor" in as_operator.get(f"{PEOPLE}{member.pk}/").content.decode()
        self.do(as_operator, member, "reset-factor")
        self.do(as_operator, operator, "reset-factor")
        assert [row.user for row in Authenticator.objects.all()] == [operator]

    def test_is_shown_with_what_they_may_use_and_why(
        self, as_operator: Client, owner: User, everyone_agent: DjangoAgent, team_agent: DjangoAgent, plan_agent: DjangoAgent, pro: Any
    ) -> None:
        def rights(user: User) -> dict[str, str]:
            shown = page(as_operator.get(f"{PEOPLE}{user.pk}/"))
            return dict(zip(shown.texts("#rights h3"), shown.texts("#rights .hint"), strict=True))

        assert rights(owner) == {"Analyst": "Open: Plan Pro", "Assistant": "Open: Everyone", "Support Writer": "Open: Team Support"}
        stranger = UserFactory()
        assert rights(stranger) == {
            "Assistant": "Open: Everyone",
            "Analyst": "Closed. Included in plan Pro",
            "Support Writer": "Closed. Ask to join team Support",
        }
        User.objects.filter(pk=stranger.pk).update(is_active=False)
        assert rights(stranger)["Assistant"] == "Closed, and not shown to them."


@pytest.mark.parametrize("who", ["owner", "member"])
def test_nobody_else_reaches_them(who: str, request: pytest.FixtureRequest, stranger: User) -> None:
    client = request.getfixturevalue(f"as_{who}")
    assert client.post(f"{PEOPLE}{stranger.pk}/do/", {"do": "suspend"}).status_code == 403
    stranger.refresh_from_db()
    assert stranger.is_active
