"""What one run calls, with the audit line of each call and the state of its server."""

import asyncio

import pytest

from agentos.access.models import User
from agentos.audit.models import AuditRecord
from agentos.connections import actions, client
from agentos.connections.calls import Calls
from agentos.connections.looking import look
from agentos.connections.models import Server
from agentos.connections.problems import ConnectionProblem, NoKey
from agentos.core import db
from tests.connections.servers import Served
from tests.factories import RemoteServerFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


def lines() -> list[AuditRecord]:
    return list(AuditRecord.objects.filter(verb="connections.tool.called").order_by("pk"))


class TestCalls:
    async def test_are_made_over_one_connection_and_written_down(self, server: Server, member: User) -> None:
        calls = Calls(member.pk, "run_1")
        assert await calls.call("tests", "add", {"a": 1, "b": 2}) == "3"
        assert await asyncio.gather(*(calls.call("tests", "add", {"a": 2, "b": number}) for number in range(3))) == ["2", "3", "4"]
        assert len(calls._open) == 1
        calls.close()
        await client.finish()
        written = await db.read(lines)
        assert len(written) == 4
        assert (written[0].actor_id, written[0].object_id) == (member.pk, "tests")
        assert written[0].data == {"tool": "add", "host": "127.0.0.1", "bytes": 1, "outcome": "ok", "run": "run_1"}
        await db.read(server.refresh_from_db)
        assert server.state == "ok"

    async def test_that_fail_are_written_down_without_what_was_said(self, server: Server, member: User) -> None:
        calls = Calls(member.pk)
        with pytest.raises(ConnectionProblem, match="shelf"):
            await calls.call("tests", "fail", {})
        calls.close()
        (written,) = await db.read(lines)
        assert written.data["outcome"] == "failed"
        assert "shelf" not in str(written.data)

    async def test_of_a_server_that_is_away_say_so_and_are_not_repeated(self, near: None, db: None, member: User) -> None:
        server = await asyncio.to_thread(RemoteServerFactory, slug="away", name="Away", url="http://127.0.0.1:9/mcp", state="ok")
        calls = Calls(member.pk)
        with pytest.raises(ConnectionProblem, match="Away cannot be reached now"):
            await calls.call("away", "add", {})
        await asyncio.to_thread(server.refresh_from_db)
        assert (server.state, server.state_reason) == ("away", "Away cannot be reached now.")
        assert len(await asyncio.to_thread(lines)) == 1

    async def test_after_a_broken_connection_open_a_new_one(self, server: Server, member: User) -> None:
        calls = Calls(member.pk)
        with pytest.raises(ConnectionProblem):
            await calls.call("tests", "big", {"size": 3_000_000})
        assert await calls.call("tests", "add", {"a": 1, "b": 2}) == "3"
        calls.close()

    async def test_use_the_key_of_whose_run_it_is(self, mcp: Served, db: None, member: User) -> None:
        (mcp.folder / "key").write_text("members")
        server = await asyncio.to_thread(RemoteServerFactory, slug="keys", auth="member_key", url=mcp.url)
        other = await asyncio.to_thread(UserFactory)
        calls = Calls(member.pk)
        with pytest.raises(NoKey):
            await calls.call("keys", "add", {"a": 1, "b": 2})
        await asyncio.to_thread(lambda: actions.give_key(server=server, key="members", by=member))
        assert await calls.call("keys", "add", {"a": 1, "b": 2}) == "3"
        calls.close()
        with pytest.raises(NoKey):
            await Calls(other.pk).call("keys", "add", {"a": 1, "b": 2})

    async def test_of_what_is_not_there_say_so(self, db: None, member: User) -> None:
        with pytest.raises(ConnectionProblem, match="no longer there"):
            await Calls(member.pk).call("nothing", "add", {})


class TestLook:
    async def test_brings_the_tools_off_until_they_are_accepted(self, server: Server, operator: User) -> None:
        assert await look(server, by=operator) == ""
        found = await db.read(lambda: {tool.name: tool.is_new for tool in server.tools.all()})
        assert found == dict.fromkeys(("add", "big", "fail", "slow", "write_note"), True)
        assert (server.state, server.state_reason) == ("ok", "")
        await client.finish()

    async def test_at_a_server_that_refuses_says_so(self, server: Server, mcp: Served, operator: User) -> None:
        (mcp.folder / "key").write_text("secret")
        assert await look(server, by=operator) == "Tests wants a key, and none is given (401)."
        assert (server.state, server.state_reason) == ("refused", "Tests wants a key, and none is given (401).")

    async def test_at_one_without_a_key_says_so(self, db: None, operator: User) -> None:
        server = await asyncio.to_thread(RemoteServerFactory, auth="member_key", name="CRM")
        assert await look(server, by=operator) == "You have not given your own key for CRM yet."
        assert (server.state, server.state_reason) == ("unknown", "You have not given your own key for CRM yet.")
