"""Members who sign in at a server: FastMCP with its own OAuth server, a browser that follows what it is told, and servers that lie."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse

from agentos.access.models import User
from agentos.agents.events import ToolFailed
from agentos.audit.models import AuditRecord
from agentos.connections import actions, client, signing_in
from agentos.connections.calls import Calls
from agentos.connections.looking import look
from agentos.connections.models import Grant, OAuthClient, Server, SignIn
from agentos.connections.problems import ConnectionProblem, NoKey
from agentos.core import clock, db
from tests.agents.fakes import play
from tests.connections.servers import Served
from tests.connections.test_runs import model, of, spec_with
from tests.factories import AgentFactory, RemoteServerFactory, RemoteToolFactory

pytestmark = pytest.mark.django_db(transaction=True)

CONNECT, BACK, DISCONNECT = (reverse(f"dashboard:{name}", args=["guarded"]) for name in ("connect", "came-back", "disconnect"))


@pytest.fixture
def server(guarded: Served) -> Server:
    tool = RemoteToolFactory(
        server=RemoteServerFactory(slug="guarded", name="Guarded", url=guarded.url, auth="oauth"), name="whoami", policy="auto"
    )
    AgentFactory(is_global=True, tools=[tool.slug])
    server: Server = tool.server
    return server


def leaves_for(browser: Client) -> str:
    """Press Connect, and return the address to which the page goes on by itself."""
    answer = browser.post(CONNECT)
    assert answer.status_code == 200, answer
    assert "form-action 'self'" in answer.headers["Content-Security-Policy"]
    page = BeautifulSoup(answer.content, "html.parser")
    url: str = page.select_one("meta[http-equiv=refresh]")["content"].removeprefix("0; url=")  # type: ignore[index,union-attr]
    assert page.select_one("main a.button")["href"] == url  # type: ignore[index]
    return url


def comes_back_with(url: str) -> dict[str, str]:
    """Say yes there, and return what one is sent back with."""
    answer = httpx2.get(url, trust_env=False)
    assert answer.status_code == 302, answer.text
    back = urlsplit(answer.headers["Location"])
    assert back.path == BACK
    return {name: values[0] for name, values in parse_qs(back.query).items()}


def sign_in(browser: Client) -> None:
    assert browser.get(BACK, comes_back_with(leaves_for(browser))).status_code == 303


def text(browser: Client, path: str = CONNECT) -> str:
    return " ".join(BeautifulSoup(browser.get(path).content, "html.parser").select_one(".panel-body").get_text(" ").split())  # type: ignore[union-attr]


async def call(user: User) -> str:
    calls = Calls(user.pk)
    try:
        return await calls.call("guarded", "whoami", {})
    finally:
        calls.close()
        await client.finish()


class TestMember:
    def test_connects_uses_it_and_disconnects(
        self, as_member: Client, as_owner: Client, member: User, operator: User, server: Server, guarded: Served
    ) -> None:
        assert "Agents cannot use it for you before you sign in there." in text(as_member, reverse("dashboard:connections"))
        with pytest.raises(NoKey, match=r"You are not connected to Guarded yet\."):
            asyncio.run(call(member))
        asked = parse_qs(urlsplit(url := leaves_for(as_member)).query)
        assert (asked["code_challenge_method"], asked["resource"], asked["scope"]) == (["S256"], [guarded.url], ["notes"])
        assert as_member.get(BACK, comes_back_with(url)).status_code == 303
        assert "You connected it" in text(as_member)
        assert "It is renewed by itself" in text(as_member)
        assert "You are connected." in text(as_member, reverse("dashboard:connections"))
        said = asyncio.run(call(member))
        assert said.endswith("may notes")
        sign_in(as_owner)
        assert guarded.lines("events") == ["registered"]  # once for all members
        grant = Grant.objects.get(user=member)
        kept = signing_in.kept_in(grant.secret)
        assert kept.tokens.access not in json.dumps(list(Grant.objects.values("secret")))
        assert as_member.post(DISCONNECT).status_code == 303
        assert not Grant.objects.filter(user=member).exists()
        assert "could not be told" not in text(as_member)
        assert guarded.lines("events")[1] == "revoked"
        assert httpx2.post(guarded.url, headers={"Authorization": f"Bearer {kept.tokens.access}"}, trust_env=False).status_code == 401
        past = set(AuditRecord.objects.values_list("verb", flat=True))
        assert {"connections.server.signed_in", "connections.server.signed_out"} <= past

    def test_who_says_no_there_hears_it_here(self, as_member: Client, server: Server) -> None:
        state = parse_qs(urlsplit(leaves_for(as_member)).query)["state"][0]
        as_member.get(BACK, {"state": state, "error": "access_denied"})
        assert "You were not connected: Guarded was told no." in text(as_member)
        assert not Grant.objects.exists()

    def test_is_told_where_the_server_is_away(self, as_member: Client, server: Server) -> None:
        Server.objects.update(url="http://127.0.0.1:9/mcp")
        assert as_member.post(CONNECT).status_code == 303
        assert "The sign-in of Guarded cannot be reached now." in text(as_member)


class TestAnswer:
    """Nothing that comes back counts but what was asked for, from this browser, once."""

    def test_is_taken_once(self, as_member: Client, server: Server) -> None:
        said = comes_back_with(leaves_for(as_member))
        assert as_member.get(BACK, said).status_code == 303
        grant = Grant.objects.get()
        assert as_member.get(BACK, said).status_code == 400
        assert "belongs to no sign-in that was begun here" in as_member.get(BACK, said).content.decode()
        assert Grant.objects.get().turn == grant.turn

    def test_with_another_state_is_not_taken_and_harms_nothing(self, as_member: Client, server: Server) -> None:
        said = comes_back_with(leaves_for(as_member))
        for state in ("", "forged", said["state"][:-1]):
            assert as_member.get(BACK, {**said, "state": state}).status_code == 400
        assert not Grant.objects.exists()
        assert as_member.get(BACK, said).status_code == 303
        assert Grant.objects.exists()

    def test_is_not_taken_from_others(self, as_member: Client, as_owner: Client, member: User, server: Server) -> None:
        """Neither from another member, nor from another browser of the same: their answer could be somebody else's sign-in."""
        said = comes_back_with(leaves_for(as_member))
        leaves_for(as_owner)
        assert as_owner.get(BACK, said).status_code == 400
        elsewhere = Client()
        elsewhere.force_login(member)
        assert elsewhere.get(BACK, said).status_code == 400
        assert not Grant.objects.exists()

    def test_is_not_taken_when_it_is_late(self, as_member: Client, server: Server) -> None:
        said = comes_back_with(leaves_for(as_member))
        SignIn.objects.update(created_at=clock.now() - timedelta(minutes=11))
        assert as_member.get(BACK, said).status_code == 400

    def test_of_another_issuer_is_not_taken(self, as_member: Client, server: Server, guarded: Served) -> None:
        said = comes_back_with(leaves_for(as_member))
        as_member.get(BACK, {**said, "iss": "https://evil.example"})
        assert "This answer is not from whom Guarded named. Nothing was kept." in text(as_member)
        assert not Grant.objects.exists()
        assert as_member.get(BACK, said).status_code == 400  # and the code is used up


class TestRenewing:
    @pytest.fixture(autouse=True)
    def short(self, guarded: Served) -> None:
        (guarded.folder / "seconds").write_text("30")  # less than before it is renewed

    def test_is_done_once_for_all_who_wait(self, as_member: Client, member: User, server: Server, guarded: Served) -> None:
        sign_in(as_member)
        (guarded.folder / "seconds").unlink()

        async def many() -> list[str]:
            return await asyncio.gather(*(call(member) for _ in range(5)))

        assert len(asyncio.run(many())) == 5
        assert guarded.lines("events").count("renewed") == 1
        grant = Grant.objects.get()
        assert (grant.turn, grant.renewing_until) == (1, None)
        assert grant.expires_at is not None
        assert grant.expires_at > clock.now() + timedelta(minutes=50)

    def test_waits_for_another_machine_that_does_it(self, as_member: Client, member: User, server: Server, guarded: Served) -> None:
        sign_in(as_member)
        Grant.objects.update(renewing_until=clock.now() + timedelta(seconds=60))

        async def meanwhile() -> str:
            waiting = asyncio.create_task(call(member))
            await asyncio.sleep(0.5)
            assert not waiting.done()
            await db.write(lambda: Grant.objects.update(renewing_until=None))
            return await waiting

        assert asyncio.run(meanwhile()).endswith("may notes")
        assert guarded.lines("events").count("renewed") == 1

    def test_is_finished_though_whoever_asked_was_stopped(self, as_member: Client, member: User, server: Server, guarded: Served) -> None:
        """What was renewed and not kept would be lost, and the member would have to sign in again."""
        sign_in(as_member)

        async def stopped() -> None:
            task = asyncio.create_task(call(member))
            while "renewed" not in guarded.lines("events"):
                await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.wait({task, *signing_in._renewing})

        asyncio.run(stopped())
        assert Grant.objects.get().turn == 1

    def test_that_the_server_denies_wants_a_new_sign_in(self, as_member: Client, member: User, server: Server, guarded: Served) -> None:
        sign_in(as_member)
        (guarded.folder / "deny").touch()
        for _ in range(2):
            with pytest.raises(NoKey, match=r"Connect again\."):
                asyncio.run(call(member))
        assert guarded.lines("events").count("renewed") == 1  # it is not asked again and again
        assert "Connect again." in text(as_member)
        (guarded.folder / "deny").unlink()
        sign_in(as_member)
        assert asyncio.run(call(member)).endswith("may notes")

    def test_is_tried_once_where_a_good_token_is_refused(self, as_member: Client, member: User, server: Server, guarded: Served) -> None:
        (guarded.folder / "seconds").unlink()
        sign_in(as_member)
        (guarded.folder / "reject").touch()
        with pytest.raises(NoKey, match=r"Guarded does not take your sign-in any more\. Connect again\."):
            asyncio.run(call(member))
        assert guarded.lines("events").count("renewed") == 1
        server.refresh_from_db()
        assert server.state == "unknown"  # one member's trouble says nothing of the server

    def test_serves_a_look_too(self, as_operator: Client, operator: User, server: Server, guarded: Served) -> None:
        sign_in(as_operator)
        assert asyncio.run(look(server, by=operator)) == ""
        assert [tool.name for tool in server.tools.all()] == ["whoami"]
        assert Grant.objects.get().turn == 1


class TestRun:
    async def test_says_that_its_member_is_not_connected(self, settings: Any, near: None) -> None:
        def make() -> None:
            RemoteToolFactory(server=RemoteServerFactory(slug="crm", name="CRM", auth="oauth"), name="find", policy="auto")

        await asyncio.to_thread(make)
        async with model(settings, ("crm_find", {})):
            events = await play(await spec_with("mcp:crm/find"))
        (failed,) = of(ToolFailed, events)
        assert failed.error == "You are not connected to CRM yet."
        assert failed.shown == {"kind": "connect", "server": "crm"}


class TestManager:
    def test_gives_a_client_id_where_nobody_can_register(self, as_member: Client, operator: User, server: Server, guarded: Served) -> None:
        actions.change_server(server=server, by=operator, client_id="agentos-1", key="s3cret")
        asked = parse_qs(urlsplit(leaves_for(as_member)).query)
        assert asked["client_id"] == ["agentos-1"]
        assert guarded.lines("events") == []

    def test_who_changes_how_members_are_known_forgets_what_they_had(self, as_member: Client, operator: User, server: Server) -> None:
        sign_in(as_member)
        leaves_for(as_member)
        actions.change_server(server=server, by=operator, name="Renamed")
        assert Grant.objects.exists()
        actions.change_server(server=server, by=operator, auth="member_key")
        assert not any(model.objects.exists() for model in (Grant, OAuthClient, SignIn))


@contextmanager
def saying(pages: dict[str, Any]) -> Iterator[str]:
    """A server that answers 401 to whoever posts, and to others what ``pages`` has by path. Gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = pages.get(self.path)
            self.send_response(200 if isinstance(page, dict) else 302 if page else 404)
            body = json.dumps(page).encode() if isinstance(page, dict) else b""
            if isinstance(page, str):
                self.send_header("Location", page)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.send_response(401)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_port}"
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


RESOURCE, AUTHORITY = "/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-authorization-server"


def honest(here: str) -> dict[str, Any]:
    return {
        RESOURCE: {"resource": f"{here}/mcp", "authorization_servers": [here]},
        AUTHORITY: {
            "issuer": here,
            "authorization_endpoint": f"{here}/authorize",
            "token_endpoint": f"{here}/token",
            "code_challenge_methods_supported": ["S256"],
        },
    }


Lie = Callable[[dict[str, Any], str], Any]
LIES: dict[str, tuple[Lie, str]] = {
    "guarded by a private address": (
        lambda pages, _: pages[RESOURCE].update(authorization_servers=["http://169.254.169.254/"]),
        "private or special address",
    ),
    "sends on to a private address": (
        lambda pages, _: pages.update({AUTHORITY: "http://169.254.169.254/latest"}),
        "does not say how",
    ),
    "tokens go to a private address": (
        lambda pages, _: pages[AUTHORITY].update(token_endpoint="http://10.0.0.1/token"),
        "private or special address",
    ),
    "tokens go in the clear": (
        lambda pages, _: pages[AUTHORITY].update(token_endpoint="http://token.example/"),
        "A key is only sent over https://",
    ),
    "a page that is a script": (
        lambda pages, _: pages[AUTHORITY].update(authorization_endpoint="javascript:alert(1)"),
        "must begin with https://",
    ),
    "another issuer": (lambda pages, _: pages[AUTHORITY].update(issuer="https://good.example"), "which calls itself https://good.example"),
    "another server": (lambda pages, _: pages[RESOURCE].update(resource="https://good.example/mcp"), "says that it is another server"),
    "a neighbour's path": (lambda pages, here: pages[RESOURCE].update(resource=f"{here}/mc"), "says that it is another server"),
    "no PKCE": (lambda pages, _: pages[AUTHORITY].update(code_challenge_methods_supported=["plain"]), "does not know PKCE"),
    "nobody registers": (lambda _pages, _: None, "has to give a client id"),
}


@pytest.mark.parametrize("lie", LIES)
async def test_server_that_lies_is_left_with_a_sentence(lie: str, near: None, member: User) -> None:
    change, sentence = LIES[lie]
    pages: dict[str, Any] = {}
    with saying(pages) as here:
        pages.update(honest(here))
        change(pages, here)
        server = await db.write(RemoteServerFactory, slug="odd", name="Odd", url=f"{here}/mcp", auth="oauth")
        with pytest.raises(ConnectionProblem) as raised:
            await signing_in.begin(server, by=member, browser="b", redirect_uri="http://testserver/back")
    assert sentence in str(raised.value)
    assert await db.read(signing_in.trouble_of, server, member) == str(raised.value)


def test_way_there_keeps_what_the_page_asks_for(near: None) -> None:
    from agentos.connections.oauth import Authority, Client, way_there

    authority = Authority("https://a.example", "https://a.example/authorize?tenant=7", "https://a.example/token", "https://mcp.example/")
    url = way_there(authority, Client("us"), "https://us.example/back", state="s&t", verifier="v")
    assert url.startswith("https://a.example/authorize?tenant=7&")
    assert urlencode({"state": "s&t"}) in url
