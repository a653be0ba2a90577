"""Servers that others have written, as they are published: on npm, where node is installed, and on PyPI."""

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentos.connections import client
from agentos.connections.client import Connection, Target
from agentos.connections.problems import ConnectionProblem
from tests import npm
from tests.connections.servers import listens
from tests.server import free_port

START_SECONDS = 60


def script(name: str) -> list[str]:
    """The command of a published server. Skips the test where it cannot be run."""
    if why := npm.missing():
        pytest.skip(f"{why}: {name} was not asked")
    return ["node", str(npm.installed(npm.SERVERS) / "node_modules" / "@modelcontextprotocol" / name / "dist" / "index.js")]


@contextlib.contextmanager
def everything() -> Iterator[str]:
    """The reference server, over HTTP; gives its address."""
    port = free_port()
    env = {"PATH": os.environ["PATH"], "PORT": str(port)}
    quiet = subprocess.DEVNULL
    with subprocess.Popen([*script("server-everything"), "streamableHttp"], env=env, stdout=quiet, stderr=quiet) as process:
        try:
            over = time.monotonic() + START_SECONDS
            while not listens(port):
                assert process.poll() is None
                assert time.monotonic() < over
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.kill()


@pytest.mark.timeout(npm.INSTALL_SECONDS)
class TestEverything:
    async def test_is_asked_over_http(self, near: None) -> None:
        with everything() as url:
            connection = Connection(Target("everything", "Everything", url=url))
            tools = {tool.name: tool for tool in await connection.tools()}
            assert {"echo", "get-sum"} <= tools.keys()
            assert not [tool.name for tool in tools.values() if tool.problem]
            assert (await connection.call("echo", {"message": "hello"})).text == "Echo: hello"
            assert "5" in (await connection.call("get-sum", {"a": 2, "b": 3})).text
            image = await connection.call("get-tiny-image", {})
            assert "(image, image/png, " in image.text
            assert "not shown)" in image.text
            with pytest.raises(ConnectionProblem) as raised:
                await connection.call("get-sum", {"a": "two"})
            assert raised.value.told
            connection.close()
            await client.finish()

    async def test_is_asked_over_its_pipes(self) -> None:
        connection = Connection(Target("everything", "Everything", command=(*script("server-everything"), "stdio")))
        assert (await connection.call("echo", {"message": "hello"})).text == "Echo: hello"
        connection.close()
        await client.finish()


@pytest.mark.timeout(npm.INSTALL_SECONDS)
class TestMemory:
    async def test_remembers_from_one_run_to_the_next(self, tmp_path: Path) -> None:
        target = Target("memory", "Memory", command=tuple(script("server-memory")), env={"MEMORY_FILE_PATH": str(tmp_path / "notes.json")})
        entity = {"name": "Ada", "entityType": "person", "observations": ["writes letters"]}
        first = Connection(target)
        assert "create_entities" in {tool.name for tool in await first.tools()}
        await first.call("create_entities", {"entities": [entity]})
        first.close()
        await client.finish()
        second = Connection(target)
        found = json.loads((await second.call("search_nodes", {"query": "letters"})).text)
        assert found["entities"] == [entity]
        second.close()
        await client.finish()
