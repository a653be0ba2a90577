"""What servers ask in the middle of a call: FastMCP, real Agno, a model of the tests, and the run stored between question and answer."""

import json
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from agentos.access.models import User
from agentos.agents import runtime
from agentos.agents.events import Finished, ToolFailed, ToolFinished, Waiting
from agentos.agents.runtime.approvals import BadAnswer, check
from agentos.audit.models import AuditRecord
from agentos.chat.asks import answers_in, asks_of
from agentos.connections import actions
from agentos.connections.calls import Calls
from agentos.connections.looking import look
from agentos.connections.models import Server
from agentos.connections.questions import AsksFirst, CannotBeAsked, read, responses
from agentos.core import db
from agentos.core.fragments import draw
from tests.agents.fakes import go_on, play
from tests.connections.servers import Served, served
from tests.connections.test_runs import model, nothing_is_left, of, spec_with
from tests.factories import RemoteServerFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("asking"), "asking") as server:
        yield server


@pytest.fixture
async def trains(asking: Served, near: None, operator: User) -> Server:
    asking.clean()
    server: Server = await db.write(RemoteServerFactory, slug="trains", name="Trains", url=asking.url)
    assert await look(server, by=operator) == ""

    def accept() -> None:
        actions.accept_tools(
            server=server, offers={tool.name: tool.offered["hash"] for tool in server.tools.all() if tool.offered}, by=operator
        )
        actions.set_policies(server=server, policies={"book": "auto", "think": "auto"}, by=operator)

    await db.write(accept)
    return server


BOOK = ("trains_book", {"train": "ICE 4"})
SAID = {"seat": "window", "bags": "2", "wish": ""}


def waits(events: list[Any]) -> Waiting:
    """And what is stored of it goes through the database."""
    assert isinstance(events[-1], Waiting), events[-1]
    return Waiting(*json.loads(json.dumps([events[-1].requirements, events[-1].output])))


class TestQuestion:
    async def test_is_a_form_and_its_answer_ends_the_call(self, trains: Server, asking: Served, settings: Any) -> None:
        async with model(settings, BOOK) as server:
            spec = await spec_with("mcp:trains/book")
            events = await play(spec)
            waiting = waits(events)
            assert len(server.exchanges) == 1  # the model was not asked meanwhile
            (asked,) = waiting.requirements
            assert (asked["kind"], asked["message"]) == ("input", "Trains: Where in ICE 4?")
            assert [(item["name"], item["type"], item["optional"]) for item in asked["fields"]] == [
                ("seat", "str", False),
                ("bags", "int", False),
                ("wish", "str", True),
            ]
            assert [call.result for call in of(ToolFinished, events)] == ["Trains: Where in ICE 4?"]
            assert asking.notes == []
            after = await go_on(spec, waiting.output, runtime.Answer("call_0", values=SAID))
        assert asking.notes == ["state of ICE 4 accept {'seat': 'window', 'bags': 2}"]
        assert [call.result for call in of(ToolFinished, after)] == ["ICE 4: accept, {'seat': 'window', 'bags': 2}"]
        assert isinstance(after[-1], Finished)
        told = [message["content"] for message in server.exchanges[-1].messages("tool")]
        assert told == ["ICE 4: accept, {'seat': 'window', 'bags': 2}"]  # once, and no word of the waiting
        await nothing_is_left()

    async def test_comes_after_an_approval_as_well(self, trains: Server, asking: Served, settings: Any) -> None:
        async with model(settings, BOOK):
            spec = await spec_with("mcp:trains/book", tool_policies={"mcp:trains/book": "ask"})
            approving = waits(await play(spec))
            assert approving.requirements[0]["kind"] == "confirm"
            asking_ = waits(await go_on(spec, approving.output, runtime.Answer("call_0")))
            assert asking_.requirements[0]["message"] == "Trains: Where in ICE 4?"
            after = await go_on(spec, asking_.output, runtime.Answer("call_0", values=SAID))
        assert isinstance(after[-1], Finished)
        assert len(asking.notes) == 1

    async def test_that_is_refused_reaches_the_server_as_a_no(self, trains: Server, asking: Served, settings: Any) -> None:
        async with model(settings, BOOK):
            spec = await spec_with("mcp:trains/book")
            waiting = waits(await play(spec))
            after = await go_on(spec, waiting.output, runtime.Answer("call_0", confirmed=False, values={"seat": "window"}))
        assert asking.notes == ["state of ICE 4 decline None"]
        assert [call.result for call in of(ToolFinished, after)] == ["ICE 4: decline, None"]

    async def test_of_two_calls_at_once_each_gets_its_answer(self, trains: Server, asking: Served, settings: Any) -> None:
        async with model(settings, BOOK, ("trains_book", {"train": "RE 5"})):
            spec = await spec_with("mcp:trains/book")
            waiting = waits(await play(spec))
            answers = [runtime.Answer(f"call_{number}", values={**SAID, "bags": number}) for number in (0, 1)]
            after = await go_on(spec, waiting.output, *answers)
        assert sorted(asking.notes) == [
            "state of ICE 4 accept {'seat': 'window', 'bags': 0}",
            "state of RE 5 accept {'seat': 'window', 'bags': 1}",
        ]
        assert isinstance(after[-1], Finished)

    async def test_is_a_line_in_the_audit(self, trains: Server, operator: User) -> None:
        calls = Calls(operator.pk)
        with pytest.raises(AsksFirst, match=r"Where in RE 5\?"):
            await calls.call("trains", "book", {"train": "RE 5"})
        calls.close()
        noted = await db.read(AuditRecord.objects.filter(verb="connections.tool.called").latest, "pk")
        assert noted.data["outcome"] == "asked"
        assert "RE 5" not in json.dumps(noted.data)

    async def test_to_our_model_is_refused_in_words(self, trains: Server, settings: Any) -> None:
        async with model(settings, ("trains_think", {})):
            events = await play(await spec_with("mcp:trains/think"))
        sentence = "Trains wants an answer of a model, which no server gets, before it goes on. The call was given up."
        assert [call.error for call in of(ToolFailed, events)] == [sentence]
        assert isinstance(events[-1], Finished)


class TestForm:
    SCHEMA: ClassVar[dict[str, Any]] = {
        "properties": {
            "seat": {"type": "string", "enum": ["window", "aisle"]},
            "days": {"type": "array", "items": {"enum": ["mon", "tue"]}},
        },
        "required": ["seat"],
    }
    ASKED: ClassVar[dict[str, Any]] = {
        "call_id": "c",
        "kind": "input",
        "name": "trains_book",
        "args": {},
        "message": "Trains: Where\u202e?",
        "fields": read({"k": {"method": "elicitation/create", "params": {"message": "m", "requestedSchema": SCHEMA}}}, None).fields,
    }

    def test_has_what_can_be_chosen(self) -> None:
        (ask,) = asks_of([self.ASKED], of="turn")
        html = draw("chat/_asks.html", {"turn": {"id": "turn", "asks": [ask], "agent_name": "A"}, "answer_url": "/"})
        assert '<option value="window"' in html
        assert "Where\\u202e?" in html
        assert "Among mon, tue." in html

    @pytest.mark.parametrize(
        ("typed", "wrong"),
        [
            ({"seat": "roof"}, "Seat must be among window, aisle."),
            ({}, "Seat is missing."),
            ({"seat": "aisle", "days": "mon\nsun"}, "Days must be"),
        ],
    )
    def test_takes_nothing_else(self, typed: dict[str, str], wrong: str) -> None:
        posted = {"decision": "yes", **{f"value-c-{name}": value for name, value in typed.items()}}
        with pytest.raises(BadAnswer, match=wrong.replace(".", r"\.")):
            check([self.ASKED], answers_in(posted, [self.ASKED]))
        assert check([self.ASKED], answers_in({**posted, "decision": "no"}, [self.ASKED]))["c"].confirmed is False


def form(**properties: Any) -> dict[str, Any]:
    return {"method": "elicitation/create", "params": {"message": "Say", "requestedSchema": {"type": "object", "properties": properties}}}


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"method": "roots/list"}, "nobody's to answer"),
        (form(deep={"type": "object"}), "which no form can hold"),
        (form(**{f"f{number}": {} for number in range(21)}), "more than 20 things"),
        ({"method": "elicitation/create", "params": {"message": "m", "requestedSchema": {"properties": 7}}}, "a form that is none"),
        ({"method": "elicitation/create", "params": {"mode": "url", "message": "m", "url": "javascript:alert(1)"}}, "that nobody should"),
    ],
)
def test_what_nobody_can_be_asked(request_: dict[str, Any], said: str) -> None:
    with pytest.raises(CannotBeAsked, match=said):
        read({"k": request_}, None)


def test_several_questions_keep_their_names_apart() -> None:
    found = read(
        {
            "a": form(name={}),
            "b": form(name={}),
            "c": {"method": "elicitation/create", "params": {"mode": "url", "message": "Pay:", "url": "https://pay.example/1"}},
        },
        "s",
    )
    assert found.message.splitlines() == ["Say", "Say", "Pay: https://pay.example/1"]
    first, second = (field["name"] for field in found.fields)
    answered = responses(found.stored(), {first: "Ada", second: "Eve"}, accepted=True)
    assert answered == {
        "a": {"action": "accept", "content": {"name": "Ada"}},
        "b": {"action": "accept", "content": {"name": "Eve"}},
        "c": {"action": "accept"},
    }
