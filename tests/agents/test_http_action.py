"""APIs of the operator's: how their description is read, what is sent, and what a model cannot choose."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from agentos.agents import tools
from agentos.agents.checks import modules_of_tools_load
from agentos.agents.events import Event, ToolFailed, ToolFinished, Waiting
from agentos.agents.runtime import tools as agno_tools
from agentos.agents.tools import BadArguments, Refused, Tool, http_action, openapi
from agentos.agents.tools.external import CALLED
from agentos.agents.tools.openapi import BadSpec
from agentos.audit.models import AuditRecord
from agentos.core import db as database
from agentos.core.security.guarded_http import Policy
from tests.agents.fakes import play, spec
from tests.agents.web import Asked, Site, answer, redirect, silence

SPEC: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Shop", "description": "Orders of the shop.\nMore."},
    "servers": [{"url": "https://shop.example/api"}],
    "paths": {
        "/orders/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {
                "operationId": "getOrder",
                "summary": "Tell about an order.",
                "parameters": [
                    {"name": "with", "in": "query", "description": "What too.", "schema": {"type": "array", "items": {"type": "string"}}},
                    {"name": "Authorization", "in": "header", "required": True, "schema": {"type": "string"}},
                ],
            },
            "delete": {"operationId": "deleteOrder"},
        },
        "/orders": {
            "post": {
                "operationId": "place order!",
                "requestBody": {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}},
            },
            "put": {"requestBody": {"content": {"multipart/form-data": {}}}},
        },
    },
    "components": {
        "schemas": {
            "Order": {
                "type": "object",
                "title": "Order",
                "required": ["title"],
                "properties": {"title": {"type": "string", "example": "x"}, "parent": {"$ref": "#/components/schemas/Order"}},
            }
        }
    },
}


def read(spec: Any, **more: Any) -> openapi.Api:
    return openapi.read(json.dumps(spec).encode(), **more)


class TestReader:
    def test_finds_what_can_be_called(self) -> None:
        api = read(SPEC)
        assert (api.title, api.url) == ("Shop", "https://shop.example/api")
        assert [(each.name, each.method, each.path) for each in api.operations] == [
            ("getOrder", "GET", "/orders/{id}"),
            ("deleteOrder", "DELETE", "/orders/{id}"),
            ("place_order", "POST", "/orders"),
        ]
        assert api.operations[0].description == "Tell about an order."
        assert api.operations[0].parameters == {
            "type": "object",
            "properties": {
                "id": {"type": "string"},
                "with": {"type": "array", "items": {"type": "string"}, "description": "What too."},
            },
            "required": ["id"],
            "additionalProperties": False,
        }

    def test_writes_references_out_and_ends_what_goes_round(self) -> None:
        body = read(SPEC).operations[2].parameters["properties"]["body"]
        assert body == {
            "type": "object",
            "required": ["title"],
            "properties": {"title": {"type": "string"}, "parent": {"description": "Once more: Order"}},
        }

    def test_bounds_what_swells(self) -> None:
        schemas = {
            f"S{n}": {"type": "object", "properties": {f"p{i}": {"$ref": f"#/components/schemas/S{n + 1}"} for i in range(50)}}
            for n in range(9)
        }
        swelling = {**SPEC, "components": {"schemas": {**schemas, "S9": {"type": "string"}, "Order": schemas["S0"]}}}
        assert len(json.dumps(read(swelling).operations[2].parameters)) < 200_000

    @pytest.mark.parametrize(
        ("given", "sentence"),
        [
            (b"x" * 50_000_000, "The file has 50 MB; up to 5 MB are read."),
            (b"openapi: 3.1.0", "The file is not JSON."),
            (b"\xff\xfe\x00", "The file is not JSON."),
            (b"[" * 100_000, "nested too deeply"),
            (b"[]", "not a description of an API in OpenAPI 3."),
            (b'{"swagger": "2.0"}', "not a description of an API in OpenAPI 3."),
            (b'{"openapi": "3.0.0", "paths": {"/a": {"get": 3, "trace": {}}}}', "describes nothing that can be called"),
            (b'{"openapi": "3.0.0", "paths": {"a": {"get": {}}}}', "does not begin with /"),
            (b'{"openapi": "3.0.0", "paths": {"@evil.example/": {"get": {}}}}', "does not begin with /"),
            (
                b'{"openapi": "3.0.0", "paths": {"/a": {"$ref": "https://evil.example/x.json"}}}',
                "refers to another one (https://evil.example/x.json)",
            ),
            (b'{"openapi": "3.0.0", "paths": {"/a": {"$ref": "file:///etc/passwd"}}}', "refers to another one"),
            (b'{"openapi": "3.0.0", "paths": {"/a": {"$ref": "#/b"}}}', "refers to something that it does not have: #/b"),
            (b'{"openapi": "3.0.0", "b": {"$ref": "#/b"}, "paths": {"/a": {"$ref": "#/b"}}}', "leads back to itself"),
            (json.dumps({**SPEC, "paths": {f"/{n}": {"get": {}} for n in range(101)}}).encode(), "101 operations; an agent can have 100"),
        ],
        ids=range(14),
    )
    def test_refuses_with_a_sentence(self, given: bytes, sentence: str) -> None:
        with pytest.raises(BadSpec) as refused:
            openapi.read(given)
        assert sentence in str(refused.value)

    def test_takes_those_that_are_wanted(self) -> None:
        many = {**SPEC, "paths": {f"/{n}": {"get": {"operationId": f"get{n}"}} for n in range(500)}}
        assert [each.name for each in read(many, only=["get7"]).operations] == ["get7"]
        with pytest.raises(BadSpec, match="has no operation get501"):
            read(many, only=["get501"])


@pytest.fixture
def describe(tmp_path: Path, settings: Any) -> Callable[..., None]:
    """Write the operator's file, and name it."""

    def written(text: str, spec: Any = SPEC, name: str = "shop") -> None:
        (tmp_path / "spec.json").write_text(spec if isinstance(spec, str) else json.dumps(spec))
        (tmp_path / f"{name}.toml").write_text(text)
        settings.AGENTOS_HTTP_ACTIONS = [str(tmp_path / f"{name}.toml")]
        http_action._api.cache_clear()
        tools.catalogue._fixed.cache_clear()
        tools.catalogue._labels.cache_clear()

    return written


class TestDescription:
    def test_makes_a_tool(self, describe: Any) -> None:
        describe('openapi = "spec.json"\nlabel = "The shop"\nonly = ["getOrder", "place_order"]')
        tool = tools.fixed()["http-action-shop"]
        assert tool.names == ("shop_getOrder", "shop_place_order")
        assert tool.description == "Orders of the shop."
        assert tool.is_private
        assert tools.label_of("shop_getOrder") == "The shop"
        assert modules_of_tools_load() == []

    def test_says_how_to_make_one(self) -> None:
        assert "AGENTOS_HTTP_ACTIONS" in tools.fixed()["http-action"].needs()
        with pytest.raises(agno_tools.NotOffered):
            agno_tools.toolbox(["http-action"], {})

    def test_says_what_is_missing(self, describe: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        describe('openapi = "spec.json"\nheaders = {Authorization = "Bearer ${SHOP_TOKEN}"}')
        assert tools.fixed()["http-action-shop"].needs() == "To use Shop, set SHOP_TOKEN."
        (tmp_path / "token").write_text("from-a-file\n")
        monkeypatch.setenv("SHOP_TOKEN_FILE", str(tmp_path / "token"))
        assert tools.fixed()["http-action-shop"].needs() == ""

    @pytest.mark.parametrize(
        ("text", "spec", "sentence"),
        [
            ("openapi = ", SPEC, "Invalid value"),
            ('opnapi = "x"', SPEC, "Field required"),
            ('openapi = "spec.json"\ncolour = "red"', SPEC, "Extra inputs"),
            ('openapi = "none.json"', SPEC, "No such file"),
            ('openapi = "spec.json"', "x" * 6_000_000, "has 6 MB; up to 5 MB are read"),
            ('openapi = "spec.json"', {**SPEC, "servers": [{"url": "/api"}]}, "It needs a url"),
            ('openapi = "spec.json"\nurl = "file:///etc"', SPEC, "must begin with https://"),
            ('openapi = "spec.json"\nurl = "https://me:secret@shop.example"', SPEC, "user name or a password"),
            ('openapi = "spec.json"\nonly = ["x"]', SPEC, "has no operation x"),
        ],
        ids=range(9),
    )
    def test_is_refused_with_a_sentence_for_the_operator(self, describe: Any, text: str, spec: Any, sentence: str) -> None:
        describe(text, spec)
        assert "http-action-shop" not in tools.fixed()
        (warning,) = modules_of_tools_load()
        assert sentence in warning.msg
        assert "shop.toml is not there" in warning.msg

    def test_has_a_name_that_can_be_called(self, describe: Any) -> None:
        describe('openapi = "spec.json"', name="7 shops")
        assert "has to begin with a letter" in modules_of_tools_load()[0].msg


@pytest.fixture
async def site(transactional_db: None, describe: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    monkeypatch.setenv("SHOP_TOKEN", "token-of-the-operator")
    async with Site() as site:
        describe(f'openapi = "spec.json"\nurl = "{site.url}/api/"\nheaders = {{Authorization = "Bearer ${{SHOP_TOKEN}}"}}')
        yield site
    await asyncio.to_thread(database.close)


def shop() -> Tool:
    return tools.fixed()["http-action-shop"]


async def get(**arguments: Any) -> str:
    return str(await shop().functions[0].call(**arguments))


def ended(events: list[Event]) -> list[Event]:
    return [event for event in events if isinstance(event, ToolFinished | ToolFailed | Waiting)]


class TestCalls:
    async def test_send_what_the_model_chose_to_where_the_operator_said(self, site: Site) -> None:
        site.pages["/api/orders/7"] = answer('{"id": 7,  "tea": "grün"}', kind="application/json")
        assert await get(id="7", **{"with": ["a&b=c", "d"]}) == '{"id":7,"tea":"grün"}'
        (asked,) = site.asked
        assert (asked.method, asked.target) == ("GET", "/api/orders/7?with=a%26b%3Dc&with=d")
        assert asked.headers["authorization"] == "Bearer token-of-the-operator"

    @pytest.mark.parametrize(
        ("given", "target"),
        [
            ("../admin", "/api/orders/..%2Fadmin"),
            ("7?all=1#x", "/api/orders/7%3Fall%3D1%23x"),
            ("//evil.example/", "/api/orders/%2F%2Fevil.example%2F"),
            ("@evil.example", "/api/orders/%40evil.example"),
            ("a\r\nHost: evil.example", "/api/orders/a%0D%0AHost%3A%20evil.example"),
            ("{id}", "/api/orders/%7Bid%7D"),
            ("%2e%2e", "/api/orders/%252e%252e"),
        ],
    )
    async def test_keep_a_part_of_the_path_one_part(self, site: Site, given: str, target: str) -> None:
        with pytest.raises(Refused, match="404"):
            await get(id=given)
        assert site.targets == [target]

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            ({}, "needs id"),
            ({"id": None}, "needs id"),
            ({"id": ".."}, "cannot be '..'"),
            ({"id": "."}, "cannot be '.'"),
            ({"id": ""}, "cannot be ''"),
            ({"id": {"a": 1}}, "must be a text or a number"),
            ({"id": "7", "with": [["x"]]}, "must be a text or a number"),
            ({"id": "7", "Authorization": "Bearer mine"}, "takes no Authorization"),
            ({"id": "7", "host": "evil.example"}, "takes no host"),
            ({"id": "7", "body": {}}, "takes no body"),
        ],
    )
    async def test_refuse_what_does_not_fit(self, site: Site, arguments: dict[str, Any], sentence: str) -> None:
        with pytest.raises(BadArguments) as refused:
            await get(**arguments)
        assert sentence in str(refused.value)
        assert site.asked == []

    async def test_ask_before_anything_is_changed(self, site: Site) -> None:
        agent = spec("scripted:calls", "http-action-shop")
        site.pages["/api/orders/7"] = answer("{}", kind="application/json")
        assert isinstance(ended(await play(agent, 'shop_getOrder {"id": "7"}'))[-1], ToolFinished)
        for call in ('shop_deleteOrder {"id": "7"}', 'shop_place_order {"body": {"title": "Tea"}}'):
            assert isinstance(ended(await play(agent, call))[-1], Waiting)
        assert [asked.method for asked in site.asked] == ["GET"]

    async def test_send_a_body(self, site: Site) -> None:
        site.pages["/api/orders"] = answer("", status=201)
        assert await shop().functions[2].call(body={"title": "Tea"}) == "201 Created"
        assert json.loads(site.asked[0].body) == {"title": "Tea"}

    async def test_note_themselves_in_the_audit_without_content(self, site: Site) -> None:
        await play(spec("scripted:calls", "http-action-shop"), 'shop_getOrder {"id": "secret"}')
        line = await AuditRecord.objects.aget(verb=CALLED)
        assert (line.data["tool"], line.data["host"]) == ("http-action-shop", "127.0.0.1")
        assert "secret" not in json.dumps(line.data)

    def test_may_reach_nothing_private_but_this_host(self) -> None:
        place = http_action.Place("x", "X", "http://10.1.2.3/api", {})
        allowed = Policy(trusted=(place.host,)).allowed()
        assert allowed.host("10.1.2.3")
        assert not allowed.host("10.1.2.4")


class TestWorstInputs:
    @pytest.mark.parametrize(
        ("page", "sentence"),
        [
            (answer("x" * 3_000_000), "larger than 1 MB"),
            (answer(b"\x1f\x8b", Content_Encoding="gzip"), "compressed"),
            (redirect("http://10.0.0.1/"), "answered with 302 Found: it is somewhere else now"),
            (answer("No such order: " + "x" * 5000, 404), "Shop answered with 404 Not Found. No such order: x"),
            (answer("", 500), "Shop answered with 500 Internal Server Error."),
            (answer("", 999), "Shop answered with 999."),
            (b"nonsense\r\n\r\n", "could not be reached"),
        ],
        ids=range(7),
    )
    async def test_say_what_is_wrong(self, site: Site, page: bytes, sentence: str) -> None:
        site.pages["/api/orders/7"] = page
        with pytest.raises(Refused) as refused:
            await get(id="7")
        assert sentence in str(refused.value)
        assert len(str(refused.value)) < 1200

    @pytest.mark.parametrize(
        ("page", "told"),
        [
            (answer(b"\x89PNG", kind="image/png"), "(4 bytes of the kind image/png, which are not shown)"),
            (answer(b"\xff\xfe", kind="text/plain"), "\ufffd\ufffd"),
            (answer("[" * 5000, kind="application/json"), "[" * 5000),
            (answer("x" * 100_000, kind="text/plain"), "x" * 15_000),
            (answer(b"", status=204), "204 No Content"),
        ],
        ids=range(5),
    )
    async def test_tell_what_can_be_told(self, site: Site, page: bytes, told: str) -> None:
        site.pages["/api/orders/7"] = page
        assert await get(id="7") == told

    async def test_say_that_it_may_have_been_done(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("agentos.agents.tools.outgoing.SECONDS", 0.05)
        site.pages["/api/orders/7"] = site.pages["/api/orders"] = silence
        with pytest.raises(Refused, match=r"did not answer within 0 seconds\. What was asked for may have been done all the same\."):
            await shop().functions[2].call(body={"title": "Tea"})
        with pytest.raises(Refused, match=r"seconds\.$"):
            await get(id="7")

    async def test_leave_nothing_open_when_they_are_stopped(self, site: Site) -> None:
        site.pages["/api/orders/7"] = silence
        task = asyncio.create_task(get(id="7"))
        await site.came.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await site.left.wait()

    async def test_call_once(self, site: Site) -> None:
        async def breaks_off(asked: Asked) -> bytes:
            return b""

        site.pages["/api/orders"] = breaks_off
        with pytest.raises(Refused):
            await shop().functions[2].call(body={"title": "Tea"})
        assert len(site.asked) == 1
