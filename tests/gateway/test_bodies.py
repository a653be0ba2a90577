"""Bodies on their way to Agno: only known fields, each once, each of the kind that it has."""

import json
from collections.abc import Callable
from typing import Any, ClassVar
from urllib.parse import urlencode

import pytest

from agentos.access.models import ApiToken, User
from agentos.core.http.errors import Problem
from agentos.gateway import bodies
from agentos.gateway.context import CallContext
from agentos.gateway.interfaces import a2a, mcp
from agentos.gateway.routes import FORM, JSON, Route
from agentos.service import RunNotFound
from tests.factories import ChatSessionFactory, RunFactory

START = Route("POST", "/x", "", body=FORM, fields=frozenset({"message", "stream"}), needed=frozenset({"message"}), takes_files=True)
GO_ON = Route("POST", "/x", "", body=FORM, fields=frozenset({"tools"}), needed=frozenset({"tools"}))
ANSWER = Route("POST", "/x", "", body=FORM, fields=frozenset({"requirements"}), needed=frozenset({"requirements"}))
ANYTHING = Route("POST", "/x", "", body=FORM, fields=frozenset({"stream"}))
CHANGE = Route("PATCH", "/x", "", body=JSON, fields=frozenset({"name"}))


def read(route: Route, body: bytes, kind: str = "application/x-www-form-urlencoded") -> dict[str, Any]:
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    scope = {"type": "http", "method": route.method, "path": "/x", "headers": headers, "query_string": b""}
    return bodies.read(route, scope, body)


def refused(route: Route, body: bytes, kind: str = "application/x-www-form-urlencoded") -> tuple[int, str]:
    with pytest.raises(Problem) as problem:
        read(route, body, kind)
    return problem.value.status, problem.value.sentence


def form(**fields: str) -> bytes:
    return urlencode(fields).encode()


class TestAForm:
    def test_has_what_the_route_knows_and_nothing_that_is_ignored(self) -> None:
        assert read(START, form(message="Hello", stream="True", user_id="7")) == {"message": "Hello", "stream": "True"}

    def test_is_cleaned(self) -> None:
        assert "\0" not in read(START, form(message="a\0b"))["message"]

    def test_needs_what_the_route_needs(self) -> None:
        assert refused(START, form(stream="true")) == (422, "Missing fields: message.")
        assert refused(START, b"") == (422, "Missing fields: message.")
        assert refused(START, b"{}", "application/json") == (422, "Missing fields: message.")

    def test_has_no_other_fields(self) -> None:
        assert refused(START, form(message="a", model="b")) == (422, "This server does not take the field model.")

    @pytest.mark.parametrize("flag", ["", "1", "yes"])
    def test_has_flags_that_are_true_or_false(self, flag: str) -> None:
        assert refused(START, form(message="a", stream=flag))[0] == 422

    def test_says_each_thing_once(self) -> None:
        assert refused(START, b"message=a&message=b") == (422, "message was sent more than once.")

    def test_has_no_files(self) -> None:
        body = b'--x\r\nContent-Disposition: form-data; name="message"; filename="a.txt"\r\n\r\nHello\r\n--x--\r\n'
        assert refused(ANYTHING, body, "multipart/form-data; boundary=x") == (422, "Files cannot be sent here.")

    def test_to_start_a_run_has_them_in_their_field(self) -> None:
        body = b'--x\r\nContent-Disposition: form-data; name="audio"; filename="a.txt"\r\n\r\nHello\r\n--x--\r\n'
        assert refused(START, body, "multipart/form-data; boundary=x") == (422, "Files are sent in the field files.")

    def test_is_a_form(self) -> None:
        assert refused(START, b'{"message": "a"}', "application/json")[0] == 415
        assert refused(START, b"message=a", "text/plain")[0] == 415

    def test_may_come_as_json_that_says_nothing(self) -> None:
        """Clients of Agno send so what has no fields."""
        for body in (b"null", b"{}", b" {}\n"):
            assert read(ANYTHING, body, "application/json") == {}
            assert refused(ANYTHING, body, "text/plain")[0] == 415


class TestJson:
    def test_is_an_object_without_what_is_null(self) -> None:
        assert read(CHANGE, b'{"name": null}', "application/json") == {}
        assert read(CHANGE, b'{"name": "a"}', "application/json") == {"name": "a"}
        assert read(CHANGE, b"", "application/json") == {}
        assert refused(CHANGE, b"[]", "application/json")[0] == 422
        assert refused(CHANGE, b'{"name": "a"}', "text/plain")[0] == 415

    def test_of_a_route_without_a_body_is_not_looked_at(self) -> None:
        assert read(Route("GET", "/x", ""), b"nonsense") == {}


class TestCalls:
    def calls(self, *calls: Any) -> list[dict[str, Any]]:
        read_again: list[dict[str, Any]] = json.loads(read(GO_ON, form(tools=json.dumps(calls)))["tools"])
        return read_again

    def test_say_only_what_an_answer_may_say(self) -> None:
        (call,) = self.calls({"tool_call_id": "1", "confirmed": True, "tool_name": "send", "is_paused": False})
        assert call == dict.fromkeys(bodies.CALL) | {"tool_call_id": "1", "confirmed": True, "tool_name": "send"}

    def test_have_fields_with_a_name_and_a_value(self) -> None:
        (call,) = self.calls({"tool_call_id": "1", "user_input_schema": [{"name": "city", "value": "Rome"}, {"name": "n", "value": 1}]})
        assert call["user_input_schema"][0] == {"name": "city", "value": "Rome", "description": "", "field_type": "str"}
        (call,) = self.calls({"tool_call_id": "1", "user_input_schema": []})
        assert not call["user_input_schema"]

    @pytest.mark.parametrize("tools", ["", "[]", "{}", "[1]", '[{"tool_call_id": "1"}, 2]', "nonsense"])
    def test_are_a_list_of_objects(self, tools: str) -> None:
        assert refused(GO_ON, form(tools=tools))[0] in {400, 422}

    @pytest.mark.parametrize(
        "wrong",
        [
            {"tool_call_id": None},
            {"tool_call_id": 1},
            {"tool_name": 1},
            {"tool_args": []},
            {"confirmed": "yes"},
            {"confirmation_note": 1},
            {"result": {}},
            {"user_input_schema": {}},
            {"user_input_schema": 5},
            {"user_input_schema": [1]},
            {"user_input_schema": [{"name": 1, "value": 1}]},
            {"user_input_schema": [{"name": "city"}]},
        ],
    )
    def test_have_the_types_that_they_have(self, wrong: dict[str, Any]) -> None:
        assert refused(GO_ON, form(tools=json.dumps([{"tool_call_id": "1", **wrong}])))[0] == 422


class TestRequirements:
    """What clients of teams send in the place of calls."""

    def call(self, **requirement: Any) -> dict[str, Any]:
        sent = {"tool_execution": {"tool_call_id": "1"}, "member_agent_id": "ann", **requirement}
        (read_one,) = json.loads(read(ANSWER, form(requirements=json.dumps([sent])))["requirements"])
        assert set(read_one) == {"tool_execution"}
        call: dict[str, Any] = read_one["tool_execution"]
        assert set(call) == set(bodies.CALL)
        return call

    def test_are_calls_with_what_was_said_beside_them(self) -> None:
        call = self.call(confirmation=False, confirmation_note="No.", external_execution_result="Sent.")
        assert (call["confirmed"], call["confirmation_note"], call["result"]) == (False, "No.", "Sent.")
        (field,) = self.call(user_input_schema=[{"name": "city", "value": "Rome"}])["user_input_schema"]
        assert (field["name"], field["value"]) == ("city", "Rome")

    def test_say_what_the_call_itself_says_where_both_do(self) -> None:
        assert self.call(tool_execution={"tool_call_id": "1", "confirmed": False}, confirmation=True)["confirmed"] is False


class TestWhatAgnoIsGiven:
    def test_is_a_form_or_json_as_the_route_has_it(self) -> None:
        assert bodies.write(START, {"message": "ä b"}) == (b"message=%C3%A4+b", b"application/x-www-form-urlencoded")
        assert bodies.write(Route("GET", "/x", ""), {}) == (b"", b"application/x-www-form-urlencoded")
        assert bodies.write(CHANGE, {"name": "a"}) == (b'{"name": "a"}', b"application/json")


def nobody(*scopes: str) -> CallContext:
    return CallContext(User(), ApiToken(scopes=list(scopes)))


def refused_by(reader: Callable[[CallContext, bytes], Any], call: CallContext, body: Any) -> tuple[int, str]:
    with pytest.raises(Problem) as problem:
        reader(call, json.dumps(body).encode())
    return problem.value.status, problem.value.sentence


class TestAnMCPMessage:
    def read(self, call: CallContext, **message: Any) -> Any:
        return mcp.read(call, json.dumps(message).encode())

    @pytest.mark.parametrize("method", ["initialize", "ping", "tools/list", "notifications/cancelled"])
    def test_goes_through_where_its_method_is_known(self, method: str) -> None:
        call = nobody()
        assert self.read(call, method=method, params={"a": 1}) == {"method": method, "params": {"a": 1}}
        assert call.speaks_protocol

    @pytest.mark.parametrize(
        ("message", "status"), [([], 422), ({"method": 1}, 422), ({}, 404), ({"method": "resources/list"}, 404), ("tools/list", 422)]
    )
    def test_is_refused_otherwise(self, message: Any, status: int) -> None:
        assert refused_by(mcp.read, nobody(), message)[0] == status

    def test_calls_a_tool_with_the_arguments_that_it_takes(self) -> None:
        params = {"name": "cancel_run", "arguments": {"run_id": "r", "user_id": "7"}}
        read = self.read(nobody("runs:write"), method="tools/call", params=params)
        assert read == {"method": "tools/call", "params": {"name": "cancel_run", "arguments": {"run_id": "r"}}}
        read = self.read(nobody("agents:read"), method="tools/call", params={"name": "get_agentos_config"})
        assert read["params"] == {"name": "get_agentos_config", "arguments": {}}

    @pytest.mark.parametrize(
        ("params", "refusal"),
        [
            (None, (404, "There is no such tool.")),
            ({"name": 1}, (404, "There is no such tool.")),
            ({"name": "delete_all"}, (404, "There is no such tool.")),
            ({"name": "get_sessions"}, (403, "This API token does not have the scope sessions:read.")),
            ({"name": "run_agent", "arguments": [1]}, (422, "arguments: send an object.")),
            ({"name": "run_agent", "arguments": {"x": 1, "b": 2}}, (422, "run_agent does not take b, x.")),
        ],
    )
    def test_calls_no_other(self, params: Any, refusal: tuple[int, str]) -> None:
        assert refused_by(mcp.read, nobody("runs:write"), {"method": "tools/call", "params": params}) == refusal


class TestAnA2ARequest:
    SAID: ClassVar[dict[str, Any]] = {"role": "user", "messageId": "m1", "parts": [{"kind": "text", "text": "Hi", "metadata": {}}]}

    def read(self, message: dict[str, Any], **more: Any) -> Any:
        return a2a.read(nobody(), json.dumps({"id": 7, "params": {"message": message, **more}}).encode())

    def test_is_made_anew_of_what_is_understood(self) -> None:
        read = self.read({**self.SAID, "contextId": "c", "metadata": {"a": 1}}, metadata={"b": 2})
        sent = {**self.SAID, "kind": "message", "contextId": "c"}
        assert read == {"jsonrpc": "2.0", "id": 7, "params": {"message": sent, "configuration": {"blocking": True}}}

    def test_has_ids_where_none_came(self) -> None:
        one, two = (a2a.read(nobody(), json.dumps({"params": {"message": {**self.SAID, "messageId": None}}}).encode()) for _ in range(2))
        assert one["id"] != two["id"]
        assert one["params"]["message"]["messageId"] != two["params"]["message"]["messageId"]
        assert "contextId" not in one["params"]["message"]

    @pytest.mark.parametrize(
        ("configuration", "blocking"),
        [({"blocking": False}, False), ({"blocking": 0}, True), ({"blocking": True}, True), ({}, True), ([], True)],
    )
    def test_is_waited_for_unless_it_says_otherwise(self, configuration: Any, blocking: bool) -> None:
        assert self.read(self.SAID, configuration=configuration)["params"]["configuration"] == {"blocking": blocking}

    @pytest.mark.parametrize(
        "change",
        [
            {"role": "agent"},
            {"parts": None},
            {"parts": ["Hi"]},
            {"parts": [{"kind": "file", "text": "Hi"}]},
            {"parts": [{"kind": "text", "text": 1}]},
            {"parts": [{"kind": "text", "text": "Hi", "file": {}}]},
        ],
    )
    def test_is_refused_where_a_message_is_no_text_of_the_user(self, change: dict[str, Any]) -> None:
        assert refused_by(a2a.read, nobody(), {"params": {"message": {**self.SAID, **change}}})[0] == 422

    @pytest.mark.parametrize("body", [[], {}, {"params": []}, {"params": {}}, {"params": {"message": "Hi"}}])
    def test_is_refused_where_it_is_no_request(self, body: Any) -> None:
        assert refused_by(a2a.read, nobody(), body)[0] == 422

    def test_about_a_task_is_about_a_run_of_the_callers(self, owner: User, member: User) -> None:
        run = RunFactory(session=ChatSessionFactory(user=owner))
        asked = {"id": "x", "method": "tasks/get", "params": {"id": run.run_id, "contextId": "another"}}
        call = CallContext(owner, None)
        about = {"id": run.run_id, "contextId": run.session.session_id}
        assert a2a.read_task(call, json.dumps(asked).encode()) == {"jsonrpc": "2.0", "id": "x", "method": "tasks/get", "params": about}
        assert call.run == run
        with pytest.raises(RunNotFound):
            a2a.read_task(CallContext(member, None), json.dumps(asked).encode())
