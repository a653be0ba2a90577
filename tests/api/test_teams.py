"""Teams over the API: the rules of their pages (tests/dashboard/test_team_pages.py) hold here, too."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from agentos.access import invitations
from agentos.access.models import Invitation, Membership, Team, User
from tests.api.calls import ROOT, assert_refused, post
from tests.conftest import signed_in
from tests.factories import MembershipFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db

URL = f"{ROOT}teams/"


@pytest.fixture
def url(support: Team, owner: User, member: User) -> str:
    return f"{URL}{support.pk}/"


@pytest.fixture
def admin(support: Team) -> User:
    return MembershipFactory(team=support, user=UserFactory(name="Ada Admin"), role="admin").user


@pytest.fixture
def no_mails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invitations, "mails_work", lambda: False)


def patch(client: Client, path: str, data: Any) -> Any:
    return client.patch(path, json.dumps(data), content_type="application/json")


def role_of(user: User) -> str | None:
    return Membership.objects.filter(user=user).values_list("role", flat=True).first()


class TestTeams:
    def test_are_those_that_one_is_in(self, url: str, as_owner: Client, as_member: Client, as_stranger: Client, support: Team) -> None:
        TeamFactory(name="Sales")
        shown = {"id": support.pk, "name": "Support", "people": 2}
        assert as_owner.get(URL).json() == {"teams": [{**shown, "role": "owner"}], "total_pages": 1}
        assert as_member.get(URL).json()["teams"] == [{**shown, "role": "member"}]
        assert as_stranger.get(URL).json()["teams"] == []

    def test_are_all_for_operators_alone(self, url: str, as_operator: Client, as_owner: Client) -> None:
        TeamFactory(name="Sales")
        found = as_operator.get(f"{URL}?all=true").json()
        assert [(team["name"], team["role"]) for team in found["teams"]] == [("Sales", None), ("Support", None)]
        assert_refused(as_owner.get(f"{URL}?all=true"), 403, "forbidden")

    def test_tell_more_of_their_people_to_those_who_manage_them(
        self, url: str, as_owner: Client, as_member: Client, as_stranger: Client, member: User
    ) -> None:
        full = as_owner.get(f"{url}people/").json()
        assert full["team"] == {"id": full["team"]["id"], "name": "Support", "role": "owner", "people": 2}
        assert [(each["role"], each["email"], each["is_suspended"]) for each in full["people"]] == [
            ("owner", "owner@example.com", False),
            ("member", "member@example.com", False),
        ]
        less = as_member.get(f"{url}people/").json()["people"]
        assert [(each["id"], each["email"], each["is_suspended"]) for each in less if each["role"] == "member"] == [
            (str(member.pk), None, None)
        ]
        assert_refused(as_stranger.get(f"{url}people/"), 404, "team_not_found")

    def test_are_read_in_as_many_queries_however_many_people(
        self, url: str, as_owner: Client, support: Team, django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(5):
            as_owner.get(f"{url}people/")
        MembershipFactory.create_batch(20, team=support)
        with django_assert_num_queries(5):
            as_owner.get(f"{url}people/")


class TestRoles:
    def test_are_changed_by_owners_and_operators(self, url: str, as_owner: Client, as_operator: Client, member: User) -> None:
        changed = patch(as_owner, f"{url}people/{member.pk}/", {"role": "admin"})
        assert (changed.status_code, changed.json()["role"], role_of(member)) == (200, "admin", "admin")
        assert patch(as_operator, f"{url}people/{member.pk}/", {"role": "owner"}).json()["role"] == "owner"

    def test_are_changed_by_nobody_else(self, url: str, as_member: Client, as_stranger: Client, admin: User, member: User) -> None:
        for client in (as_member, signed_in(admin)):
            assert_refused(patch(client, f"{url}people/{member.pk}/", {"role": "owner"}), 403, "forbidden")
        assert_refused(patch(as_stranger, f"{url}people/{member.pk}/", {"role": "owner"}), 404, "team_not_found")
        assert role_of(member) == "member"

    def test_leave_an_owner(self, url: str, as_owner: Client, owner: User, member: User) -> None:
        path = f"{url}people/{owner.pk}/"
        assert_refused(patch(as_owner, path, {"role": "member"}), 409, "last_owner")
        patch(as_owner, f"{url}people/{member.pk}/", {"role": "owner"})
        assert patch(as_owner, path, {"role": "member"}).json()["role"] == "member"

    def test_are_three(self, url: str, as_owner: Client, member: User) -> None:
        assert_refused(patch(as_owner, f"{url}people/{member.pk}/", {"role": "king"}), 422, "invalid_fields")


class TestPeople:
    def test_are_removed_by_owners_and_admins_but_no_owner_by_an_admin(self, url: str, owner: User, member: User, admin: User) -> None:
        client = signed_in(admin)
        assert_refused(client.delete(f"{url}people/{owner.pk}/"), 403, "forbidden")
        assert client.delete(f"{url}people/{member.pk}/").status_code == 204
        assert role_of(member) is None

    def test_leave_by_themselves_but_the_last_owner_does_not(
        self, url: str, as_owner: Client, as_member: Client, owner: User, member: User
    ) -> None:
        assert_refused(as_member.delete(f"{url}people/{owner.pk}/"), 403, "forbidden")
        assert as_member.delete(f"{url}people/{member.pk}/").status_code == 204
        assert_refused(as_member.get(f"{url}people/"), 404, "team_not_found")
        assert_refused(as_owner.delete(f"{url}people/{owner.pk}/"), 409, "last_owner")

    @pytest.mark.parametrize("key", ["nobody", "0", "9" * 40, "%00"])
    def test_of_another_team_are_not_found(self, url: str, as_owner: Client, key: str) -> None:
        other = MembershipFactory()
        for who in (key, other.user_id):
            assert_refused(as_owner.delete(f"{url}people/{who}/"), 404, "person_not_found")


class TestInvitations:
    def test_are_made_listed_and_taken_back(self, url: str, as_owner: Client, no_mails: None) -> None:
        answer = post(as_owner, f"{url}invitations/", {"email": "Nora@Example.com", "role": "admin"})
        made = answer.json()
        assert (answer.status_code, made["email"], made["role"], made["is_mailed"]) == (201, "nora@example.com", "admin", False)
        assert invitations.of_token(made.pop("link").rsplit("/", 2)[1])
        assert as_owner.get(f"{url}invitations/").json() == {"invitations": [made]}
        assert as_owner.get(answer.headers["Location"]).json() == made
        assert as_owner.delete(answer.headers["Location"]).status_code == 204
        assert_refused(as_owner.delete(answer.headers["Location"]), 404, "invitation_not_found")
        assert not invitations.open_invitations().exists()

    def test_that_are_mailed_show_no_link(self, url: str, as_owner: Client) -> None:
        made = post(as_owner, f"{url}invitations/", {"email": "nora@example.com"}).json()
        assert (made["role"], made["is_mailed"], made["link"]) == ("member", True, None)

    def test_are_made_by_those_who_manage_the_team_and_of_owners_by_owners(
        self, url: str, as_member: Client, as_stranger: Client, as_operator: Client, admin: User
    ) -> None:
        wanted = {"email": "nora@example.com", "role": "owner"}
        assert_refused(post(as_member, f"{url}invitations/", wanted), 403, "forbidden")
        assert_refused(as_member.get(f"{url}invitations/"), 403, "forbidden")
        assert_refused(post(as_stranger, f"{url}invitations/", wanted), 404, "team_not_found")
        assert_refused(post(signed_in(admin), f"{url}invitations/", wanted), 422, "invalid_fields", "Owners are made by owners")
        assert not Invitation.objects.exists()
        assert post(as_operator, f"{url}invitations/", wanted).status_code == 201

    @pytest.mark.parametrize("email", ["", "nora", "a@b", f"{'x' * 250}@example.com", "member@example.com"])
    def test_are_for_an_address_that_is_not_in_the_team(self, url: str, as_owner: Client, email: str) -> None:
        assert_refused(post(as_owner, f"{url}invitations/", {"email": email}), 422, "invalid_fields", "email:")

    def test_of_another_team_are_not_there(self, url: str, as_owner: Client, operator: User) -> None:
        made, _ = invitations.invite(email="nora@example.com", team=TeamFactory(), by=operator)
        assert_refused(as_owner.delete(f"{url}invitations/{made.pk}/"), 404, "invitation_not_found")


class TestTokens:
    def test_read_and_manage_by_scopes_of_their_own(self, url: str, with_scopes: Callable[..., Client]) -> None:
        reads, manages = with_scopes("teams:read"), with_scopes("teams:manage")
        assert reads.get(URL).status_code == 200
        assert_refused(post(reads, f"{url}invitations/", {"email": "nora@example.com"}), 403, "insufficient_scope")
        assert post(manages, f"{url}invitations/", {"email": "nora@example.com"}).status_code == 201
        assert_refused(manages.get(URL), 403, "insufficient_scope")
