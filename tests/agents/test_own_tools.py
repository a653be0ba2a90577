"""Tools of the operator's own: found, described by their signature, called by a model, asked for where they say so."""

import re
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

import pytest

from agentos.agents import tools as catalogue
from agentos.agents.events import ToolFinished
from agentos.agents.runtime import call_context, tools
from agentos.agents.specs import AgentSpec
from agentos.agents.tools import AUTO, Answer, BadArguments, BadTool, Refused, Tool, discovery, tool
from agentos.agents.tools.definition import current
from tests.agents.fakes import play
from tests.server import ROOT

MODULE = "tests.agents.acme_tools"


@pytest.fixture(autouse=True)
def named(settings: Any) -> None:
    settings.AGENTOS_TOOLS = [MODULE]


def asks_of(*slugs: str, approved: frozenset[str] = frozenset(), policies: Mapping[str, str] = MappingProxyType({})) -> Any:
    box = tools.toolbox(slugs, {})
    spec = AgentSpec("shop", "Shop", "scripted:echo", tools=slugs, policies=policies, approved=approved)
    return call_context.opened(spec, box, run_id="r", user_id="1", session_id="s", history=[], said=["Hi"]).asks


class TestDiscovery:
    def test_offers_them_beside_those_of_the_product(self, db: None) -> None:
        offered = {choice.slug: choice for choice in catalogue.tool_choices()}
        assert {"calculator", "stock", "orders", "close-shop"} <= offered.keys()
        assert offered["stock"].description == "Tell how many of an article are in stock."
        assert catalogue.label_of("place_order") == "Orders"

    @pytest.mark.parametrize("name", ["no.such.module", "tests.agents.test_own_tools_broken"])
    def test_goes_on_without_a_module_that_does_not_load(self, settings: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        settings.AGENTOS_TOOLS = [name, MODULE]
        assert "stock" in catalogue.fixed()
        (trouble,) = discovery.troubles()
        assert name in trouble

    def test_says_when_a_module_has_none(self, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "empty_tools", ModuleType("empty_tools"))
        settings.AGENTOS_TOOLS = ["empty_tools"]
        assert discovery.troubles() == ["empty_tools has no tools: none of its functions is decorated with agentos.agents.tools.tool."]

    def test_lets_nobody_replace_a_tool_of_the_product(self, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        module = ModuleType("sly_tools")
        module.clock = Tool("clock", "Not the clock")  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "sly_tools", module)
        settings.AGENTOS_TOOLS = ["sly_tools"]
        assert catalogue.fixed()["clock"].label == "Clock"


class TestDocument:
    async def test_has_an_example_that_works_as_it_is_written(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
        page = (ROOT / "docs" / "add-a-tool.md").read_text(encoding="utf-8")
        (text,) = re.findall(r"^   ```python\n(.*?)^   ```", page, re.MULTILINE | re.DOTALL)
        folder = tmp_path / "acme"
        folder.mkdir()
        (folder / "tools.py").write_text(textwrap.dedent(text), encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        settings.AGENTOS_TOOLS = ["acme.tools"]
        dice = catalogue.fixed()["roll-dice"]
        assert dice.label == "Dice"
        assert await dice.functions[0].call(sides=1, count=2) == "1, 1"
        with pytest.raises(Refused, match="Up to 100 dice"):
            await dice.functions[0].call(count=101)


class TestSchema:
    def test_is_read_from_the_signature_and_the_docstring(self) -> None:
        (function,) = catalogue.fixed()["stock"].functions
        assert function.name == "stock"
        assert function.parameters == {
            "additionalProperties": False,
            "properties": {
                "article": {"description": "Its name, for example tea.", "type": "string"},
                "images": {"default": 0, "description": "A name that Agno would fill in by itself.", "type": "integer"},
            },
            "required": ["article"],
            "type": "object",
        }

    def test_refuses_what_cannot_be_a_tool(self) -> None:
        def waits() -> str:
            """Hold everybody up."""
            return ""

        async def silent() -> str:
            return ""

        async def untyped(what) -> str:
            """Do something."""
            return ""

        for call, part in ((waits, "must be an async function"), (silent, "needs a docstring"), (untyped, "with a type")):
            with pytest.raises(BadTool, match=part):
                tool("Label")(call)  # type: ignore[arg-type]

    async def test_checks_what_a_model_passes(self) -> None:
        (function,) = catalogue.fixed()["stock"].functions
        with pytest.raises(BadArguments, match="article: Field required"):
            await function.call(images="many", more=1)


class TestCalls:
    async def test_gives_the_model_text_and_people_what_is_shown(self) -> None:
        asks_of("stock", "orders")
        stock, listed, _ = tools.build(tools.toolbox(["stock", "orders"], {}))
        assert await stock.entrypoint(article="tea", images=2) == '{"in_stock": 12, "images": 2}'  # type: ignore[misc, union-attr]
        assert await listed.entrypoint() == "1 order"  # type: ignore[misc, union-attr]
        assert call_context.shown("", "") == {"kind": "table", "rows": [["tea", 2]]}
        assert call_context.shown("", "") == {}

    @pytest.mark.parametrize("kind", ["agent", "team", "steps"])
    async def test_that_give_the_same_text_each_show_their_own(self, kind: str) -> None:
        async def draw(name: str) -> Answer:
            """Draw something."""
            return Answer("It was drawn.", shown={"kind": "table", "rows": [[name]]})

        drawing = tool("Drawing", slug="drawing")(draw)
        pair = [
            AgentSpec(name, name.title(), "scripted:calls", tools=("drawing",), toolbox={"drawing": drawing}) for name in ("ann", "ben")
        ]
        spec = pair[0] if kind == "agent" else AgentSpec("crew", "Crew", "scripted:lead", kind=kind, mode="broadcast", members=tuple(pair))
        events = await play(spec, 'draw {"name": "tea"}\ndraw {"name": "cup"}\n\nsay tea')
        shown = [event.shown["rows"][0][0] for event in events if isinstance(event, ToolFinished)]
        assert sorted(shown) == sorted(["tea", "cup"] * {"agent": 1, "team": 2, "steps": 1}[kind])

    def test_asks_by_policy(self) -> None:
        assert not asks_of("stock")("stock", {})
        assert asks_of("stock", policies={"stock": "ask"})("stock", {"article": "tea"})
        assert not asks_of("stock", policies={"stock": "ask"})("stock", {})  # nobody is asked about what can only fail
        assert asks_of("calculator", policies={"calculator": "ask"})("add", {})
        assert asks_of("close-shop")("close_shop", {})

    def test_takes_no_policy_that_the_tool_does_not_allow(self) -> None:
        assert not asks_of("stock", policies={"stock": "never"})("stock", {})
        assert catalogue.policy_of(catalogue.fixed()["close-shop"], {"close-shop": AUTO}) == "ask"

    def test_asks_by_the_arguments(self) -> None:
        asks = asks_of("orders")
        assert asks("place_order", {"article": "tea", "count": 11})
        assert not asks("place_order", {"article": "tea", "count": 10})
        assert not asks("place_order", {"article": "tea", "count": "many"})

    def test_does_not_ask_again_for_what_is_approved_for_the_chat(self) -> None:
        assert not asks_of("stock", policies={"stock": "ask"}, approved=frozenset({"stock"}))("stock", {"article": "tea"})
        assert asks_of("orders", approved=frozenset({"place_order"}))("place_order", {"article": "tea", "count": 11})

    def test_knows_that_an_agent_reads_what_is_private(self) -> None:
        asks_of("orders")
        assert current.get().is_private
        asks_of("stock")
        assert not current.get().is_private

    def test_is_not_offered_while_something_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tests.agents.acme_tools.STOCK", {})
        with pytest.raises(tools.NotOffered, match=r"^The shop is empty\.$"):
            tools.toolbox(["close-shop"], {})
