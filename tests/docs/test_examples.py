"""Each example of docs/integrations.md, copied out of the page and run against a server."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import npm
from tests.server import ROOT, START_SECONDS, Server, free_port

PAGE = ROOT / "docs" / "integrations.md"
EXAMPLE = re.compile(r"<!-- example: (?P<name>\S+) -->\n```(?P<language>\w+)\n(?P<text>.*?)```", re.DOTALL)
EXAMPLES = {found["name"]: (found["language"], found["text"]) for found in EXAMPLE.finditer(PAGE.read_text(encoding="utf-8"))}
SAID = "Hello, how can you help?"  # by the agent, which says what it is told

pytestmark = pytest.mark.server


class Seeded(Server):
    def __init__(self, data: Path) -> None:
        super().__init__(data, AGENTOS_ALLOW_PRIVATE_HOSTS="127.0.0.1", AGENTOS_INTERFACES="mcp")
        self.receiver_port = free_port()
        self.names: dict[str, str] = self.run_module("tests.docs.seed", f"http://127.0.0.1:{self.receiver_port}/")
        self.start()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seeded]:
    started = Seeded(tmp_path_factory.mktemp("docs"))
    yield started
    started.stop()


def environment(server: Seeded, **more: str) -> dict[str, str]:
    origin = server.origin
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(server.data),
        "AGENTOS_URL": origin,
        "AGENTOS_TOKEN": server.names["AGENTOS_TOKEN"],
        "WEBHOOK_URL": f"{origin}/agentos/webhook/{server.names['ENDPOINT']}/",
        "WEBHOOK_SECRET": server.names["IN_SECRET"],
        **more,
    }


def command(name: str) -> list[str]:
    language, text = EXAMPLES[name]
    return ["sh", "-c", text] if language == "sh" else [sys.executable, "-c", text]


def run(name: str, server: Seeded) -> str:
    done = subprocess.run(command(name), env=environment(server), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_example_of_the_page_is_run_here() -> None:
    assert set(EXAMPLES) == {"curl", "openai", "responses", "vercel", "agno", "mcp", "webhook-in", "webhook-out"}


def test_curl(server: Seeded) -> None:
    answer = json.loads(run("curl", server))
    assert (answer["success"], answer["response"], answer["agent_id"]) == (True, SAID, "assistant")


@pytest.mark.parametrize("name", ["openai", "agno"])
def test_clients(name: str, server: Seeded) -> None:
    agents, answer = run(name, server).strip().splitlines()
    assert set(agents.removeprefix("Agents: ").split(", ")) == {"assistant"}
    assert answer.strip() == SAID


def test_mcp(server: Seeded) -> None:
    tools, answer = run("mcp", server).strip().splitlines()
    assert {"run_agent", "continue_run", "cancel_run"} <= set(tools.removeprefix("Tools: ").split(", "))
    assert SAID in answer


def test_responses(server: Seeded) -> None:
    assert run("responses", server).strip() == SAID
    asked = "SELECT r.session_id, r.turn, r.input FROM chat_run r WHERE r.session_id IN (SELECT session_id FROM chat_run WHERE input = ?)"
    turns = server.sql(asked, "Good morning")
    assert [(turn["turn"], turn["input"]) for turn in turns] == [(1, "Good morning"), (2, SAID)]


def test_vercel(server: Seeded) -> None:
    assert npm.text(EXAMPLES["vercel"][1], environment=environment(server)).strip() == SAID


def test_a_webhook_that_starts_an_answer(server: Seeded) -> None:
    assert run("webhook-in", server).startswith("2")
    over = time.monotonic() + 20
    asked = "SELECT r.answer FROM chat_run r WHERE r.input = 'Where is order 4711?' AND r.status = 'completed'"
    while not (rows := server.sql(asked)):
        assert time.monotonic() < over
        time.sleep(0.05)
    assert rows == [{"answer": "Where is order 4711?"}]


def test_a_receiver_of_webhooks(server: Seeded) -> None:
    env = environment(server, WEBHOOK_SECRET=server.names["OUT_SECRET"], RECEIVER_PORT=str(server.receiver_port))
    receiver = subprocess.Popen(command("webhook-out"), env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        wait_for(server.receiver_port)
        send_test(server)
        assert receiver.stdout
        assert receiver.stdout.readline().startswith("webhook.test {'test': True")
    finally:
        receiver.kill()
        receiver.communicate()


def wait_for(port: int) -> None:
    over = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < over
            time.sleep(0.05)
        else:
            return


def send_test(server: Seeded) -> None:
    """What the button *Send a test* does."""
    code = (
        "import django; django.setup(); from agentos.access.models import User; from agentos.webhooks.outbound import actions, models; "
        f"actions.send_test(endpoint=models.Endpoint.objects.get(hook_id={server.names['HOOK']!r}), by=User.objects.first())"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=server.env, timeout=START_SECONDS, check=True)
