"""The pages of teams: who is in them, who may change what, invitations and how they are followed."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from agentos.access import invitations
from agentos.access.models import Invitation, Membership, Team, User
from agentos.agents.models import DjangoAgent
from agentos.chat.actions.budgets import set_budget
from agentos.core import clock, mail
from tests.factories import MembershipFactory, RemoteToolFactory, TeamFactory, UserFactory
from tests.html import page
from tests.webhooks.outbound import make_endpoint


@pytest.fixture
def url(support: Team) -> str:
    return f"/agentos/settings/teams/{support.pk}/"


@pytest.fixture
def admin(support: Team) -> User:
    return MembershipFactory(team=support, user=UserFactory(name="Ada Admin"), role="admin").user


def membership(user: User) -> Membership:
    return Membership.objects.get(user=user)


def path_of(link: str) -> str:
    return link.removeprefix(mail.site())


class TestATeam:
    def test_shows_members_less_than_those_who_manage_it(
        self, url: str, as_owner: Client, as_member: Client, team_agent: DjangoAgent
    ) -> None:
        full, less = page(as_owner.get(url)), page(as_member.get(url))
        assert "member@example.com" in full.text("#team")
        assert "@" not in less.text("#team")
        assert full.has("#invite")
        assert not less.has("#invite")
        assert less.texts("#team-agents h3") == ["Support Writer"]

    def test_has_what_belongs_to_it_in_one_place_for_those_who_manage_it(
        self, url: str, as_owner: Client, as_member: Client, as_operator: Client, support: Team, team_agent: DjangoAgent
    ) -> None:
        set_budget(of="team", whose=support, micro_a_month=20_000_000, by=None)
        set_budget(of="team", whose=TeamFactory(), micro_a_month=70_000_000, by=None)
        endpoint = make_endpoint(support, name="CRM events")
        tool = RemoteToolFactory(server__team=support, server__name="Tickets")
        RemoteToolFactory(server__name="Of another team", server__team=TeamFactory())
        shown = page(as_owner.get(url))
        assert "$0.00 of $20.00 this month" in shown.text("#team-budget")
        assert "70" not in shown.text("#team-budget")
        assert shown.texts("#team-webhooks h3") == [endpoint.name]
        assert shown.texts("#team-connections h3") == [tool.server.name]
        less = page(as_member.get(url))
        assert not [part for part in ("budget", "webhooks", "connections") if less.has(f"#team-{part}")]
        of_operator = page(as_operator.get(url))
        assert of_operator.has("#team-budget meter")
        assert not of_operator.has("#team-webhooks li")  # which are the team's own business

    def test_asks_no_more_for_more_people(self, url: str, as_owner: Client, support: Team, django_assert_num_queries: Any) -> None:
        as_owner.get(url)
        with CaptureQueriesContext(connection) as few:
            as_owner.get(url)
        for _ in range(10):
            MembershipFactory(team=support)
            make_endpoint(support)
        with django_assert_num_queries(len(few)):
            as_owner.get(url)

    def test_is_left_by_its_members_but_not_by_its_last_owner(
        self, url: str, as_owner: Client, as_member: Client, owner: User, member: User
    ) -> None:
        assert as_member.post(f"{url}people/{membership(member).pk}/", {"remove": "1"})["Location"] == "/agentos/settings/teams/"
        assert as_member.get(url).status_code == 404
        assert as_owner.post(f"{url}people/{membership(owner).pk}/", {"remove": "1"})["Location"] == url
        assert "A team needs an owner" in as_owner.get(url).content.decode()

    def test_is_handed_over(self, url: str, as_owner: Client, owner: User, member: User) -> None:
        as_owner.post(f"{url}people/{membership(owner).pk}/", {"role": "member"})
        assert membership(owner).role == "owner"
        as_owner.post(f"{url}people/{membership(member).pk}/", {"role": "owner"})
        as_owner.post(f"{url}people/{membership(owner).pk}/", {"role": "member"})
        assert (membership(owner).role, membership(member).role) == ("member", "owner")

    def test_lets_admins_remove_but_no_owner_and_give_no_roles(self, url: str, owner: User, member: User, admin: User) -> None:
        client = Client()
        client.force_login(admin)
        assert client.post(f"{url}people/{membership(owner).pk}/", {"remove": "1"}).status_code == 403
        assert client.post(f"{url}people/{membership(admin).pk}/", {"role": "owner"}).status_code == 403
        assert client.post(url, {"email": "x@example.com", "role": "owner"}).status_code == 422
        assert client.post(f"{url}people/{membership(member).pk}/", {"remove": "1"}).status_code == 303
        assert not Membership.objects.filter(user=member).exists()

    def test_is_no_way_to_the_people_of_another(self, url: str, as_owner: Client) -> None:
        other = MembershipFactory()
        assert as_owner.post(f"{url}people/{other.pk}/", {"remove": "1"}).status_code == 404


class TestInvitations:
    def test_are_followed_by_whoever_has_the_address_once(
        self, as_stranger: Client, stranger: User, owner: User, support: Team, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(invitations, "mails_work", lambda: False)
        made, link = invitations.invite(email="Stranger@Example.com", team=support, role="admin", by=owner)
        assert link.rsplit("/", 2)[1] not in str(list(Invitation.objects.values()))
        for _ in range(3):  # a program that looks through mails
            assert Client().get(path_of(link))["Location"] == "/agentos/invitation/"
        assert as_stranger.get(path_of(link))["Location"] == "/agentos/invitation/"
        shown = page(as_stranger.get("/agentos/invitation/"))
        assert "Olga Owner invites you to the team Support (Admin)." in shown.text("#invitation")
        assert not Membership.objects.filter(user=stranger).exists()
        assert as_stranger.post("/agentos/invitation/").status_code == 303
        assert membership(stranger).role == "admin"
        assert as_stranger.get(path_of(link)).status_code == 410
        assert made.used_at is None
        assert Invitation.objects.get().used_at is not None

    def test_are_taken_by_nobody_else(self, as_member: Client, member: User, operator: User) -> None:
        made, _ = invitations.invite(email="nora@example.com", team=None, by=operator)
        session = as_member.session
        invitations.remember(session, made)
        session.save()
        assert as_member.get("/agentos/invitation/").status_code == 403
        assert as_member.post("/agentos/invitation/").status_code == 403
        with pytest.raises(invitations.InvitationIsOver):
            invitations.accept(invitation=made, by=member)

    def test_end_after_a_week_by_a_newer_one_and_when_taken_back(
        self, url: str, as_owner: Client, owner: User, support: Team, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        invitations.invite(email="nora@example.com", team=support, by=owner)
        second, _ = invitations.invite(email="nora@example.com", team=support, by=owner)
        assert list(invitations.open_invitations()) == [second]
        as_owner.post(f"{url}invitations/{second.pk}/revoke/")
        assert not invitations.open_invitations().exists()
        third, _ = invitations.invite(email="nora@example.com", team=support, by=owner)
        later = clock.now() + timedelta(days=7, seconds=1)
        monkeypatch.setattr(clock, "now", lambda: later)
        assert third not in invitations.open_invitations()

    @pytest.mark.parametrize("text", ["", "nothing", "ä" * 500, "%00"])
    def test_that_are_none_open_nothing(self, text: str, db: None) -> None:
        assert Client().get(f"/agentos/invitation/{text or 'x'}/").status_code in {400, 410}

    def test_are_no_flood(self, owner: User, support: Team, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(invitations, "OPEN_A_TEAM", 2)
        for number in range(2):
            invitations.invite(email=f"{number}@example.com", team=support, by=owner)
        with pytest.raises(invitations.InvalidInvitation, match="open invitations already"):
            invitations.invite(email="one.more@example.com", team=support, by=owner)


@pytest.mark.django_db(transaction=True)
def test_one_invitation_lets_in_once_however_many_ask() -> None:
    owner, guest = UserFactory(), UserFactory(email="guest@example.com")
    team = MembershipFactory(user=owner, role="owner").team
    made, _ = invitations.invite(email="guest@example.com", team=team, by=owner)
    start = threading.Barrier(10)

    def take(_: int) -> bool:
        try:
            start.wait(60)
            invitations.accept(invitation=made, by=guest)
        except invitations.InvitationIsOver:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(10) as crowd:
        assert list(crowd.map(take, range(10))).count(True) == 1
    assert Membership.objects.filter(user=guest).count() == 1
