"""Mails that agents send: whom they reach without a word, whom never, and what no mail may hold."""

import asyncio
import socket
from collections.abc import Iterator, Sequence
from email import message_from_bytes
from email.header import decode_header, make_header
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from agentos.access.models import User
from agentos.agents.events import ToolFailed, Waiting
from agentos.agents.runtime import call_context, tools
from agentos.agents.specs import AgentSpec
from agentos.agents.tools import Refused, send_mail
from agentos.agents.tools.definition import CallContext
from agentos.audit.models import AuditRecord
from tests.agents.fakes import play
from tests.connections.test_runs import model, of, spec_with

TOOL = send_mail.send_mail
pytestmark = pytest.mark.django_db(transaction=True)


class Inbox:
    """A mail server that keeps what it gets, and takes nothing for ``nobody@``."""

    def __init__(self) -> None:
        self.letters: list[tuple[str, list[str], bytes]] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802 - aiosmtpd's
        if address.startswith("nobody@"):
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.letters.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return "250 OK"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture
def inbox(settings: Any) -> Iterator[Inbox]:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", free_port(), False
    settings.DEFAULT_FROM_EMAIL = "AgentOS <agentos@site.example>"
    controller = Controller(Inbox(), hostname="127.0.0.1", port=settings.EMAIL_PORT)
    controller.start()
    yield controller.handler
    controller.stop()


@pytest.fixture
def context(member: User) -> CallContext:
    return opened(member)


def opened(user: Any, domains: Sequence[str] = ("partner.example",), **more: Any) -> CallContext:
    spec = AgentSpec("a", "A", "scripted:echo", tools=("send-mail",), options={"send-mail": {"domains": list(domains)}}, **more)
    box = tools.toolbox(["send-mail"], {})
    return call_context.opened(spec, box, run_id="r", user_id=str(getattr(user, "pk", user)), session_id="s", history=[], said=["Hi"])


async def send(**arguments: Any) -> str:
    said = await TOOL.functions[0].call(**{"subject": "News", "text": "All is well.", **arguments})
    assert isinstance(said, str)
    return said


class TestAsking:
    def test_is_for_everybody_but_the_user(self, context: CallContext, member: User) -> None:
        assert not context.asks("send_mail", {"subject": "a", "text": "b"})
        assert not context.asks("send_mail", {"subject": "a", "text": "b", "to": []})
        context.kept["send-mail"] = member.email
        for to in (["ada@partner.example"], [member.email]):
            assert context.asks("send_mail", {"subject": "a", "text": "b", "to": to})

    def test_is_not_of_what_would_be_refused_after_the_yes(self, context: CallContext, member: User) -> None:
        """And that is refused without a question: ``_function`` looks again before it calls."""
        for to in (["eve@evil.example"], "ada@partner.example", [""], {"a": 1}):
            assert not context.asks("send_mail", {"subject": "a", "text": "b", "to": to})
            assert TOOL.functions[0].why_not(context, {"subject": "a", "text": "b", "to": to})
        assert not context.asks("send_mail", {"subject": "", "text": "b", "to": ["ada@partner.example"]})

    async def test_in_a_run_comes_before_anybody_is_asked(self, inbox: Inbox, member: User, settings: Any) -> None:
        options = {"send-mail": {"domains": ["partner.example"]}}
        letters = [{"subject": "a", "text": "b", "to": to} for to in (["eve@evil.example"], ["ada@partner.example"], [member.email])]
        for letter, asks in zip(letters, (False, True, True), strict=True):
            async with model(settings, ("send_mail", letter)):
                spec = await spec_with("send-mail", tool_options=options, agent_id=f"agent-{letter['to'][0][:3]}")
                events = await play(spec, user_id=str(member.pk))
            assert isinstance(events[-1], Waiting) == asks
            assert [call.error for call in of(ToolFailed, events)] == (
                [] if asks else ["This agent may write to the user and to partner.example, not to eve@evil.example."]
            )
        assert inbox.letters == []

    def test_is_never_for_a_whole_chat(self, member: User) -> None:
        context = opened(member, approved=frozenset({"send_mail"}))
        assert context.asks("send_mail", {"subject": "a", "text": "b", "to": ["ada@partner.example"]})


class TestSending:
    async def test_reaches_the_user(self, context: CallContext, inbox: Inbox, member: User) -> None:
        assert await send(subject="Grüße", text="Hello.\n\nBye.") == f"The mail to {member.email} was sent."
        ((sender, to, content),) = inbox.letters
        letter = message_from_bytes(content)
        assert (sender, to, letter["From"]) == ("agentos@site.example", [member.email], "AgentOS <agentos@site.example>")
        assert (str(make_header(decode_header(letter["Subject"]))), letter["Reply-To"]) == ("Grüße", member.email)
        assert letter.get_content_type() == "text/plain"
        noted = await asyncio.to_thread(AuditRecord.objects.get, verb="agents.tool.called")
        assert (noted.actor_id, noted.data["tool"], noted.data["host"], noted.data["ok"]) == (member.pk, "send-mail", "127.0.0.1", True)
        assert "Hello" not in str(noted.data)
        assert letter.get_payload(decode=True).decode().split() == ["Hello.", "Bye."]  # type: ignore[union-attr]

    async def test_reaches_others_in_allowed_domains(self, context: CallContext, inbox: Inbox, member: User) -> None:
        await send(to=["ada@partner.example", "Ada@Partner.Example", member.email, "ada@partner.example"])
        assert inbox.letters[0][1] == ["ada@partner.example", "Ada@Partner.Example", member.email]

    @pytest.mark.parametrize(
        "address",
        [
            "eve@evil.example",
            "eve@partner.example.evil.example",
            "eve@notpartner.example",
            "eve@sub.partner.example",
            "eve@evil.example@partner.example",
            "Eve <eve@evil.example>",
            "ada@partner.example,eve@evil.example",
            "ada@partner.example\nBcc: eve@evil.example",
            "ada@partner.example\r\nBcc: eve@evil.example",
            '"ada@partner.example"@evil.example',
            "ada@partner.example>eve@evil.example",
            "ada@pärtner.example",
            "ada@partner\u2028.example",
            "",
            " ",
        ],
    )
    async def test_reaches_nobody_else(self, context: CallContext, inbox: Inbox, address: str) -> None:
        with pytest.raises(Refused):
            await send(to=[address])
        assert inbox.letters == []

    async def test_reaches_only_the_user_without_domains(self, member: User, inbox: Inbox) -> None:
        opened(member, domains=())
        with pytest.raises(Refused, match="may write to the user only, not to ada@"):
            await send(to=["ada@partner.example"])
        assert await send(to=[member.email])

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"subject": "a\nBcc: eve@evil.example"}, "one line"),
            ({"subject": "a\rX: y"}, "one line"),
            ({"subject": "a\u2028b"}, "one line"),
            ({"subject": "a" * 201}, "one line of at most 200"),
            ({"subject": " "}, "needs a subject"),
            ({"text": ""}, "needs a subject and a text"),
            ({"text": "a" * 20_001}, "20,000 are allowed"),
            ({"text": "\ud800"}, "no mail can have"),
            ({"to": ["ada@partner.example"] + [f"a{n}@partner.example" for n in range(10)]}, "at most 10 addresses"),
        ],
    )
    async def test_is_refused_for_what_is_no_mail(self, context: CallContext, inbox: Inbox, given: dict[str, Any], said: str) -> None:
        with pytest.raises(Refused, match=said):
            await send(**given)
        assert inbox.letters == []

    async def test_stops_after_many(self, context: CallContext, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(send_mail, "AN_HOUR", 2)
        for _ in range(2):
            await send()
        with pytest.raises(Refused, match="have sent 2 mails in this hour"):
            await send()

    @pytest.mark.parametrize("who", ["", "0", "nobody", "999999"])
    async def test_needs_an_address(self, who: str, inbox: Inbox) -> None:
        opened(who)
        with pytest.raises(Refused, match="no address of the user's own"):
            await send()


class TestTrouble:
    async def test_of_an_address_that_is_not_taken(self, context: CallContext, inbox: Inbox) -> None:
        with pytest.raises(Refused, match="takes no mail for this address"):
            await send(to=["nobody@partner.example"])

    async def test_of_a_server_that_is_away(self, context: CallContext, inbox: Inbox, settings: Any) -> None:
        settings.EMAIL_PORT = free_port()
        with pytest.raises(Refused, match=r"cannot be reached now\. The mail was not sent"):
            await send()


class TestWithoutAServer:
    def test_is_said_to_whoever_makes_agents(self, settings: Any) -> None:
        settings.EMAIL_BACKEND, settings.AGENTOS_SCRIPTED_MODELS = "django.core.mail.backends.console.EmailBackend", False
        assert TOOL.needs() == "No mail server is set up. Set EMAIL_HOST and DEFAULT_FROM_EMAIL."

    async def test_a_trial_prints_it_and_says_so(self, context: CallContext, settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
        assert TOOL.needs() == ""
        assert (await send()).endswith("was only printed by the server.")
        assert "All is well." in capsys.readouterr().out
