"""Accounts, teams, plans, subscriptions, tokens and locked accounts in the admin."""

from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agentos.access import actions, queries
from agentos.access.models import Membership, Plan, Team, User
from agentos.access.tokens import authenticate
from agentos.audit.models import AuditRecord
from tests.conftest import signed_in
from tests.factories import PASSWORD, CustomerFactory, MembershipFactory, UserFactory
from tests.html import page

NO_ROWS = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}


def choose(action: str, *objects: Any) -> dict[str, Any]:
    return {"action": action, "_selected_action": [one.pk for one in objects]}


class TestUserAdmin:
    def test_adds_an_account_by_address(self, as_operator: Client, anonymous: Client) -> None:
        new = {
            "email": "New@Example.com",
            "name": "New",
            "usable_password": "true",
            "password1": "a long pass phrase",
            "password2": "a long pass phrase",
        }
        response = as_operator.post("/admin/access/user/add/", new)
        assert response.status_code == 302
        assert User.objects.get(name="New").email == "new@example.com"
        assert anonymous.login(email="new@example.com", password="a long pass phrase")
        assert "long pass" not in str(AuditRecord.objects.get(verb="access.user.created").data)

    def test_refuses_an_address_that_is_there_in_other_letters(self, as_operator: Client, owner: User) -> None:
        response = as_operator.post("/admin/access/user/add/", {"email": "OWNER@example.com", "usable_password": "false"})
        assert page(response).texts(".field-email .errorlist") == ["User with this E-mail address already exists."]

    def test_changes_teams_with_the_account(self, as_operator: Client, stranger: User, support: Team) -> None:
        rows = {
            "memberships-TOTAL_FORMS": "1",
            "memberships-INITIAL_FORMS": "0",
            "memberships-0-team": support.pk,
            "memberships-0-role": "member",
        }
        data = {"email": stranger.email, "name": "Sammy", "memberships-0-user": stranger.pk, **rows}
        assert as_operator.post(f"/admin/access/user/{stranger.pk}/change/", data).status_code == 302
        assert list(queries.teams_of(stranger)) == [support]
        assert AuditRecord.objects.get(verb="access.user.changed").data == {"fields": ["Name"], "rows": ["membership added"]}

    def test_suspends_and_reinstates_from_the_list(self, as_operator: Client, member: User, as_member: Client) -> None:
        as_operator.post("/admin/access/user/", choose("suspend", member))
        assert not User.objects.get(pk=member.pk).is_active
        as_operator.post("/admin/access/user/", choose("reinstate", member))
        assert User.objects.get(pk=member.pk).is_active
        verbs = AuditRecord.objects.order_by("pk").values_list("verb", flat=True)
        assert list(verbs) == ["access.user.suspended", "access.user.reinstated"]
        assert as_member.get("/admin/", follow=True).redirect_chain

    def test_does_not_suspend_oneself(self, as_operator: Client, operator: User) -> None:
        html = page(as_operator.post("/admin/access/user/", choose("suspend", operator), follow=True))
        assert "You cannot suspend yourself. Ask another operator." in html.text()
        assert User.objects.get(pk=operator.pk).is_active

    @pytest.mark.parametrize("change", [{"memberships-0-DELETE": "on"}, {"memberships-0-role": "member"}])
    def test_leaves_no_team_without_an_owner(self, change: dict[str, str], as_operator: Client, owner: User, support: Team) -> None:
        url = f"/admin/access/user/{owner.pk}/change/"
        membership = owner.memberships.get(team=support)
        rows = {**NO_ROWS, "memberships-TOTAL_FORMS": "1", "memberships-INITIAL_FORMS": "1"}
        row = {"id": membership.pk, "user": owner.pk, "team": support.pk, "role": "owner"}
        data = {"email": owner.email, "name": "Olive", **rows, **{f"memberships-0-{name}": value for name, value in row.items()}}
        response = as_operator.post(url, data | change)
        assert f"The team {support} needs at least one owner." in page(response).text()
        assert owner.memberships.get(team=support).role == "owner"
        MembershipFactory(team=support, role="owner")
        assert as_operator.post(url, data | change).status_code == 302
        assert not owner.memberships.filter(team=support, role="owner").exists()

    def test_records_a_new_password_without_it(self, as_operator: Client, member: User) -> None:
        new = {"usable_password": "true", "password1": "another pass phrase", "password2": "another pass phrase", "set-password": "1"}
        assert as_operator.post(f"/admin/access/user/{member.pk}/password/", new).status_code == 302
        assert User.objects.get(pk=member.pk).check_password("another pass phrase")
        assert "another" not in str(AuditRecord.objects.get(verb="access.user.changed").data)

    def test_shows_no_title_of_a_chat_when_deleting(self, as_operator: Client) -> None:
        from tests.factories import ChatSessionFactory

        session = ChatSessionFactory(title="SECRET-TITLE")
        for url in (f"/admin/access/user/{session.user.pk}/delete/", f"/admin/agents/djangoagent/{session.agent.pk}/delete/"):
            assert "SECRET-TITLE" not in page(as_operator.get(url)).html

    @pytest.fixture
    def helper(self, db: None) -> Client:
        """Staff that may change users, but is no superuser."""
        from django.contrib.auth.models import Permission

        helper = UserFactory(is_staff=True)
        helper.user_permissions.set(Permission.objects.filter(content_type__app_label="access"))
        return signed_in(helper)

    def test_gives_powers_to_superusers_only(self, helper: Client, member: User) -> None:
        helper.post(
            f"/admin/access/user/{member.pk}/change/",
            {"email": member.email, "name": "X", "is_superuser": "on", "is_staff": "on", **NO_ROWS},
        )
        member.refresh_from_db()
        assert (member.name, member.is_superuser, member.is_staff) == ("X", False, False)

    def test_keeps_superusers_from_others(self, helper: Client, operator: User) -> None:
        assert not page(helper.get(f"/admin/access/user/{operator.pk}/change/")).has("[name=_save]")
        assert helper.get(f"/admin/access/user/{operator.pk}/password/").status_code == 403
        helper.post("/admin/access/user/", choose("suspend", operator))
        assert User.objects.get(pk=operator.pk).is_active


class TestTeamAdmin:
    def rows(self, team: Team, **more: Any) -> dict[str, Any]:
        first, second = Membership.objects.filter(team=team).order_by("pk")
        data: dict[str, Any] = {"name": team.name, "members-TOTAL_FORMS": "2", "members-INITIAL_FORMS": "2"}
        for number, membership in enumerate((first, second)):
            row = {"id": membership.pk, "team": team.pk, "user": membership.user_id, "role": membership.role}
            data |= {f"members-{number}-{name}": value for name, value in row.items()}
        return data | more

    def test_changes_members(self, as_operator: Client, owner: User, member: User, support: Team) -> None:
        data = self.rows(support, **{"members-1-DELETE": "on"})
        assert as_operator.post(f"/admin/access/team/{support.pk}/change/", data).status_code == 302
        assert list(support.members.values_list("user__email", flat=True)) == ["owner@example.com"]

    def test_keeps_an_owner(self, as_operator: Client, owner: User, member: User, support: Team) -> None:
        response = as_operator.post(f"/admin/access/team/{support.pk}/change/", self.rows(support, **{"members-0-DELETE": "on"}))
        assert "A team needs at least one owner." in page(response).text()
        assert support.members.count() == 2


class TestSubscriptionAdmin:
    def test_cancels_from_the_list(self, as_operator: Client, owner: User) -> None:
        as_operator.post("/admin/access/subscription/", choose("cancel", owner.customer.subscriptions.get()))
        assert not queries.plans_of(owner).exists()
        assert AuditRecord.objects.filter(verb="access.subscription.cancelled").exists()

    def test_starts_one_with_its_customer(self, as_operator: Client, stranger: User, pro: Plan) -> None:
        customer = CustomerFactory(user=stranger)
        rows = {
            "subscriptions-TOTAL_FORMS": "1",
            "subscriptions-INITIAL_FORMS": "0",
            "subscriptions-0-plan": pro.pk,
            "subscriptions-0-status": "active",
        }
        data = {"user": stranger.pk, "subscriptions-0-customer": customer.pk, **rows}
        assert as_operator.post(f"/admin/access/customer/{customer.pk}/change/", data).status_code == 302
        assert list(queries.plans_of(stranger)) == [pro]


class TestPlanAdmin:
    def test_sets_quotas(self, as_operator: Client, pro: Plan) -> None:
        answer = as_operator.post(f"/admin/access/plan/{pro.pk}/change/", {"name": "Pro", "runs_a_day": "50"})
        assert answer.status_code == 302
        pro.refresh_from_db()
        assert (pro.runs_a_day, pro.tokens_a_month, pro.concurrent_runs) == (50, None, None)

    def test_refuses_less_than_nothing(self, as_operator: Client, pro: Plan) -> None:
        answer = as_operator.post(f"/admin/access/plan/{pro.pk}/change/", {"name": "Pro", "runs_a_day": "-1"})
        assert page(answer).has(".field-runs_a_day .errorlist")


class TestApiTokenAdmin:
    URL = "/admin/access/apitoken/"

    def test_shows_everybodys_without_their_digests(self, as_operator: Client, owner: User) -> None:
        token, secret = actions.create_token(by=owner, name="Laptop", scopes=["agents:read"])
        for url in (self.URL, f"{self.URL}{token.pk}/change/"):
            html = page(as_operator.get(url)).html
            assert token.hint in html
            assert token.digest not in html
            assert secret not in html

    def test_finds_them_by_owner_and_by_hint(self, as_operator: Client, owner: User, member: User) -> None:
        token, _ = actions.create_token(by=owner, name="Laptop", scopes=["agents:read"])
        actions.create_token(by=member, name="Phone", scopes=["agents:read"])
        for text in ("owner@", token.hint[-4:]):
            assert page(as_operator.get(self.URL, {"q": text})).texts("#result_list tbody th") == ["Laptop"]

    def test_revokes_any(self, as_operator: Client, operator: User, owner: User) -> None:
        token, secret = actions.create_token(by=owner, name="Laptop", scopes=["agents:read"])
        as_operator.post(self.URL, choose("revoke", token))
        assert authenticate(secret) is None
        assert AuditRecord.objects.get(verb="access.token.revoked").actor == operator

    def test_lets_nobody_who_only_looks_revoke(self, owner: User) -> None:
        token, secret = actions.create_token(by=owner, name="Laptop", scopes=["agents:read"])
        looker = UserFactory(is_staff=True)
        looker.user_permissions.add(Permission.objects.get(codename="view_apitoken"))
        signed_in(looker).post(self.URL, choose("revoke", token))
        assert authenticate(secret)

    def test_makes_one_for_the_operator_and_for_accounts_that_nobody_signs_in_to(self, as_operator: Client, operator: User) -> None:
        robot = actions.create_user(email="robot@example.com", name="Robot", by=operator)
        for account in (operator, robot):
            html = page(as_operator.post(f"{self.URL}add/", self.wanted(account)))
            token = authenticate(html.texts("#new-token code")[0])
            assert token
            assert token.user == account
            assert AuditRecord.objects.get(verb="access.token.created", object_id=str(token.pk)).actor == operator

    def test_makes_none_in_the_name_of_somebody(self, as_operator: Client, operator: User, owner: User) -> None:
        assert page(as_operator.post(f"{self.URL}add/", self.wanted(owner))).has(".field-user .errorlist")
        with pytest.raises(actions.InvalidToken):
            actions.create_token(by=operator, owner=owner, name="Laptop", scopes=["agents:read"])
        assert not owner.api_tokens.exists()

    def test_says_what_is_missing(self, as_operator: Client, operator: User) -> None:
        html = page(as_operator.post(f"{self.URL}add/", {"user": operator.pk}))
        assert html.has(".field-name .errorlist")
        assert html.has(".field-scopes .errorlist")

    def test_lets_nobody_who_only_looks_make_one(self, operator: User) -> None:
        looker = UserFactory(is_staff=True)
        looker.user_permissions.add(Permission.objects.get(codename="view_apitoken"))
        assert signed_in(looker).get(f"{self.URL}add/").status_code == 403

    @staticmethod
    def wanted(account: User) -> dict[str, Any]:
        return {"user": account.pk, "name": "A program", "scopes": ["agents:read"], "days": "30"}

    def test_changes_and_deletes_none(self, as_operator: Client, owner: User) -> None:
        token, _ = actions.create_token(by=owner, name="Laptop", scopes=["agents:read"])
        assert as_operator.post(f"{self.URL}{token.pk}/change/", {"name": "Mine"}).status_code == 403
        assert as_operator.post(f"{self.URL}{token.pk}/delete/", {"post": "yes"}).status_code == 403

    def test_takes_the_same_queries_however_many_there_are(self, as_operator: Client, owner: User, member: User) -> None:
        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                as_operator.get(self.URL)
            return len(captured)

        actions.create_token(by=owner, name="Laptop", scopes=["agents:read"])
        few = queries()
        for user in (owner, member):
            for number in range(3):
                actions.create_token(by=user, name=f"Key {number}", scopes=["agents:read"])
        assert queries() == few


class TestWrongPasswordsAdmin:
    def test_unlocks_an_account(self, as_operator: Client, anonymous: Client, owner: User) -> None:
        for _ in range(5):
            answer = anonymous.post("/sign-in/", {"email": owner.email, "password": "wrong"})
        assert answer.status_code == 429
        attempt = AccessAttempt.objects.get()
        found = page(as_operator.get("/admin/axes/accessattempt/"))
        assert owner.email in found.text("#result_list")
        done = as_operator.post("/admin/axes/accessattempt/", choose("unlock", attempt), follow=True)
        assert "Forgotten: these accounts can be signed in to" in page(done).text(".messagelist")
        assert anonymous.post("/sign-in/", {"email": owner.email, "password": PASSWORD}).status_code == 302
        assert AuditRecord.objects.get(verb="access.account.unlocked").data == {"account": owner.email}
