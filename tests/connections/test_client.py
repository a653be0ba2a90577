"""One connection to a real server: what it lists, what calls give, and what is said when something goes wrong."""

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentos.connections import client
from agentos.connections.client import Connection, Target
from agentos.connections.problems import UNCERTAIN, ConnectionProblem
from tests.connections.servers import Served, answer, served
from tests.core.test_outgoing import Ear, listening

CLOCK = (sys.executable, "-m", "mcp_server_time")


async def problem_of(connection: Connection, tool: str, **arguments: Any) -> ConnectionProblem:
    with pytest.raises(ConnectionProblem) as raised:
        await connection.call(tool, arguments)
    return raised.value


async def nothing_is_left() -> None:
    await client.finish()
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []


class TestServer:
    async def test_is_asked_what_it_has(self, target: Target) -> None:
        connection = Connection(target)
        tools = {tool.name: tool for tool in await connection.tools()}
        connection.close()
        assert set(tools) == {"add", "write_note", "fail", "big", "slow"}
        assert tools["add"].description == "Add two numbers."
        assert tools["add"].hints == {"read_only": True}
        assert set(tools["add"].schema["properties"]) == {"a", "b"}
        assert not [tool for tool in tools.values() if tool.problem]
        await nothing_is_left()

    async def test_answers_several_calls_at_once_over_one_connection(self, target: Target) -> None:
        connection = Connection(target)
        results = await asyncio.gather(*(connection.call("add", {"a": number, "b": 1}) for number in range(10)))
        assert [result.text for result in results] == [str(number + 1) for number in range(10)]
        connection.close()
        await nothing_is_left()

    async def test_opens_nothing_before_the_first_call(self, mcp: Served, target: Target) -> None:
        Connection(target).close()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    async def test_says_what_the_tool_says_went_wrong(self, target: Target) -> None:
        connection = Connection(target)
        problem = await problem_of(connection, "fail")
        assert (str(problem), problem.told, problem.sent, problem.state) == ("The shelf is empty.", True, False, "")
        assert "Unknown tool" in str(await problem_of(connection, "nothing"))
        assert (await connection.call("add", {"a": 1, "b": 2})).text == "3"
        connection.close()

    async def test_that_takes_too_long_may_have_done_it(self, mcp: Served) -> None:
        connection = Connection(Target("tests", "Tests", url=mcp.url, seconds=1.5))
        problem = await problem_of(connection, "slow", seconds=30)
        assert problem.sent
        assert problem.sentence == f"Tests did not answer within 1.5 seconds. {UNCERTAIN}"
        assert (await connection.call("add", {"a": 1, "b": 2})).text == "3", "the connection goes on"
        connection.close()
        await nothing_is_left()

    async def test_that_answers_too_much_is_not_read(self, target: Target) -> None:
        connection = Connection(target)
        problem = await problem_of(connection, "big", size=3_000_000)
        assert problem.sentence == f"Tests answered with more than 2 MB, which is not read. {UNCERTAIN}"
        assert connection.is_over
        await nothing_is_left()

    async def test_has_its_long_answers_shortened(self, target: Target) -> None:
        connection = Connection(target)
        result = await connection.call("big", {"size": 100_000})
        assert len(result.text) == client.TEXT_LIMIT
        assert result.text.endswith("(shortened)")
        assert result.size == 100_000
        connection.close()

    async def test_that_dies_during_a_call_may_have_done_it(self, tmp_path: Path, near: None) -> None:
        with served(tmp_path) as server:
            connection = Connection(Target("tests", "Tests", url=server.url, seconds=20))
            call = asyncio.create_task(problem_of(connection, "slow", seconds=60))
            while not (tmp_path / "began").exists():
                await asyncio.sleep(0.02)
            server.kill()
            problem = await call
        assert problem.sentence == f"The connection to Tests broke. {UNCERTAIN}"
        assert problem.state == "away"
        connection.close()
        await nothing_is_left()

    async def test_that_is_not_there_is_said_to_be_away(self, at: Callable[..., Target]) -> None:
        with listening() as ear:
            port = ear.port
        connection = Connection(at(port))
        problem = await problem_of(connection, "add")
        assert (problem.sentence, problem.state, problem.sent) == ("Odd cannot be reached now.", "away", False)
        await nothing_is_left()

    async def test_is_let_go_at_once_when_a_call_is_cancelled(self, mcp: Served, target: Target) -> None:
        connection = Connection(target)
        call = asyncio.create_task(connection.call("slow", {"seconds": 60}))
        while not (mcp.folder / "began").exists():
            await asyncio.sleep(0.02)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert (await connection.call("add", {"a": 1, "b": 2})).text == "3", "the connection goes on"
        connection.close()
        await nothing_is_left()

    async def test_that_is_cancelled_while_it_opens_leaves_nothing(self, at: Callable[..., Target], ear: Ear) -> None:
        ear.pause = 60
        connection = Connection(at(ear.port, seconds=30))
        call = asyncio.create_task(connection.call("add", {}))
        while not ear.heard:
            await asyncio.sleep(0.02)
        call.cancel()
        connection.close()
        with pytest.raises(asyncio.CancelledError):
            await call
        await nothing_is_left()

    async def test_wants_its_key(self, mcp: Served) -> None:
        (mcp.folder / "key").write_text("secret")
        problem = await problem_of(Connection(Target("tests", "Tests", url=mcp.url, headers={"Authorization": "Bearer wrong"})), "add")
        assert (problem.sentence, problem.state) == ("Tests did not accept the key (401).", "refused")
        connection = Connection(Target("tests", "Tests", url=mcp.url, headers={"Authorization": "Bearer secret"}))
        assert (await connection.call("add", {"a": 1, "b": 2})).text == "3"
        connection.close()


class TestWhatIsNoServer:
    """Whatever answers, a person reads a sentence, and nothing is left open."""

    ODD = (
        ("500 Oops", "broken", "Odd is broken now (500)."),
        ("404 Not Found", "", "There is no MCP server at the address of Odd (404)."),
        ("403 Forbidden", "", "Odd does not let us in (403)."),
        ("429 Too Many Requests", "", "Odd has too much to do now (429). Wait a moment."),
        ("200 OK", "<html>hello</html>", "Odd does not speak MCP as we know it."),
        ("200 OK", json.dumps({"hello": "world"}), "Odd does not speak MCP as we know it."),
        ("200 OK", json.dumps({"jsonrpc": "2.0", "id": 1, "result": "no"}), "Odd does not speak MCP as we know it."),
        ("202 Accepted", "", "Odd does not speak MCP as we know it."),
    )

    @pytest.mark.parametrize(("status", "body", "sentence"), ODD)
    async def test_is_told_apart(self, ear: Ear, at: Callable[..., Target], status: str, body: str, sentence: str) -> None:
        ear.answers = [answer(status, body)]
        problem = await problem_of(Connection(at(ear.port)), "add")
        assert (problem.sentence, problem.sent) == (sentence, False)
        await nothing_is_left()

    async def test_says_nothing_for_ever(self, ear: Ear, at: Callable[..., Target]) -> None:
        ear.pause = 60
        problem = await problem_of(Connection(at(ear.port, seconds=1)), "add")
        assert (problem.sentence, problem.state) == ("Odd did not answer within 1 seconds.", "away")
        await nothing_is_left()

    @pytest.mark.parametrize("where", ["http://10.0.0.1/mcp", "http://169.254.169.254/latest/", "http://other.example/mcp"])
    async def test_sends_on_to_another_place(self, ear: Ear, at: Callable[..., Target], where: str) -> None:
        ear.answers = [answer("307 Temporary Redirect", Location=where)]
        problem = await problem_of(Connection(at(ear.port)), "add")
        assert problem.sentence == f"Odd sends on to another place, which is not followed: {where}."
        await nothing_is_left()

    async def test_is_in_a_private_network(self) -> None:
        problem = await problem_of(Connection(Target("odd", "Odd", url="http://10.0.0.1/mcp")), "add")
        assert problem.sentence.startswith("Odd cannot be asked: The URL leads to a private or special address.")
        await nothing_is_left()


class TestProgram:
    """A server that is started here and speaks over its pipes."""

    async def test_is_a_server_like_any_other(self) -> None:
        connection = Connection(Target("clock", "Clock", command=CLOCK))
        assert {tool.name for tool in await connection.tools()} == {"get_current_time", "convert_time"}
        assert "Europe/Berlin" in (await connection.call("get_current_time", {"timezone": "Europe/Berlin"})).text
        assert (await problem_of(connection, "get_current_time", timezone="Mars")).told
        connection.close()
        await nothing_is_left()

    async def test_is_not_told_our_secrets(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("SECRET_KEY", "s3cret")
        script = f"import os; open({str(tmp_path / 'seen')!r}, 'w').write(repr(dict(os.environ)))"
        await problem_of(Connection(Target("odd", "Odd", command=(sys.executable, "-c", script), env={"MINE": "1"})), "add")
        seen = (tmp_path / "seen").read_text()
        assert "s3cret" not in seen
        assert "'MINE': '1'" in seen
        await nothing_is_left()

    @pytest.mark.parametrize(
        ("command", "sentence"),
        [
            (("/nothing/here",), "Odd could not be started: its command was not found."),
            (("true",), "Odd does not speak MCP as we know it."),
            (("cat",), "Odd does not speak MCP as we know it."),
        ],
    )
    async def test_that_is_none_is_told_apart(self, command: tuple[str, ...], sentence: str) -> None:
        problem = await problem_of(Connection(Target("odd", "Odd", command=command, seconds=5)), "add")
        assert (problem.sentence, problem.state) == (sentence, "away")
        await nothing_is_left()
