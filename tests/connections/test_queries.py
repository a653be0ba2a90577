"""Who sees which servers, and what an agent is given."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agentos.access.models import Membership, Team, User
from agentos.connections import queries
from tests.factories import MembershipFactory, RemoteServerFactory, RemoteToolFactory, TeamFactory

pytestmark = pytest.mark.django_db


class TestServers:
    def test_are_those_that_one_manages(self, owner: User, member: User, stranger: User, operator: User, support: Team) -> None:
        ours, everybodys, others = RemoteServerFactory(team=support), RemoteServerFactory(), RemoteServerFactory(team=TeamFactory())
        assert set(queries.servers_for(owner)) == {ours}
        assert list(queries.servers_for(member)) == list(queries.servers_for(stranger)) == []
        assert set(queries.servers_for(operator)) == {ours, everybodys, others}
        assert queries.server_for(member, ours.slug) == ours
        assert not queries.may_manage(member, ours)
        assert queries.server_for(stranger, ours.slug) is queries.server_for(owner, everybodys.slug) is None
        assert queries.may_manage(owner, ours)
        assert not queries.may_manage(owner, everybodys)
        MembershipFactory(team=others.team, user=member, role=Membership.Role.ADMIN)
        assert set(queries.servers_for(member)) == {others}
        assert queries.may_add(member)
        assert not queries.may_add(stranger)

    def test_say_how_many_tools_wait(self, operator: User) -> None:
        server = RemoteServerFactory()
        RemoteToolFactory(server=server)
        RemoteToolFactory(server=server, gone=True)
        RemoteToolFactory(server=server, hash="", offered={"hash": "1"})
        found: Any = queries.servers_for(operator).get()
        assert (found.tool_count, found.waiting_count) == (2, 1)


class TestChosenTools:
    def test_are_plain_data(self) -> None:
        tool = RemoteToolFactory(server__slug="crm", name="find.person", policy="auto")
        found = queries.chosen(["clock", tool.slug])[0]
        assert (found.slug, found.server, found.name, found.policy, found.away) == ("mcp:crm/find.person", "crm", "find.person", "auto", "")
        assert found.called.startswith("crm_find_person_")

    def test_that_cannot_be_called_say_why(self) -> None:
        changed, off = RemoteToolFactory(offered={"hash": "1"}), RemoteToolFactory(policy="off")
        found = queries.chosen(["mcp:gone/tool", changed.slug, off.slug])
        assert all(tool.away for tool in found)
        assert not any(tool.description for tool in found)

    def test_of_many_servers_cost_one_query(self) -> None:
        slugs = [RemoteToolFactory().slug for _ in range(12)]
        with CaptureQueriesContext(connection) as one:
            assert len(queries.chosen(slugs[:1])) == 1
        with CaptureQueriesContext(connection) as many:
            assert len(queries.chosen(slugs)) == 12
        assert len(one) == len(many) == 1
        with CaptureQueriesContext(connection) as none:
            assert queries.chosen(["clock"]) == []
        assert len(none) == 0

    def test_to_choose_from_are_those_that_can_be_called(self, support: Team) -> None:
        everybodys, ours = RemoteToolFactory(server__name="A"), RemoteToolFactory(server__name="B", server__team=support)
        RemoteToolFactory(policy="off")
        RemoteToolFactory(server__is_active=False)
        RemoteToolFactory(hash="", offered={"hash": "1"})
        with CaptureQueriesContext(connection) as asked:
            assert [(tool.slug, tool.team) for tool in queries.choices()] == [(everybodys.slug, None), (ours.slug, support.pk)]
        assert len(asked) == 1
