"""Every address that takes JSON, with what JSON cannot say and what no database stores: refused or taken, and nothing breaks."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from agentos.access.actions import create_token
from agentos.access.models import User
from agentos.access.tokens import SCOPES
from agentos.agents.models import DjangoAgent
from agentos.api import sending
from agentos.api.app import api
from agentos.api.openai.app import api as openai
from agentos.chat.models import ChatSession, Run
from tests.factories import ChatSessionFactory, RunFactory, WebhookEndpointFactory
from tests.webhooks.sending import headers_of, url_of

pytestmark = pytest.mark.django_db

# As they stand in the body: what is no JSON, what is too deep, too large, or of characters that are none.
ODD = (
    *("NaN", "-Infinity", "1e999", "9" * 5000, "9" * 4000, "1e300", "-0.0", "[" * 9000 + "]" * 9000, '{"a":' * 40 + "1" + "}" * 40),
    *('"\\ud800"', '"\\u0000"', '"\\ud83d\\ude00"', '"\u202e"', '"nan"', "null", "true", "[]", "{}", "[[]]", '{"\\u0000": "\\udfff"}'),
)
FORM = {
    "call_id": "call_1",
    "kind": "input",
    "name": "get_user_input",
    "args": {},
    "fields": [{"name": kind, "type": kind, "description": "", "value": None} for kind in ("int", "float", "list", "dict", "bool", "str")],
}


@pytest.fixture(autouse=True)
def _no_waiting(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.AGENTOS_RUN_TIMEOUT = 0
    for limit in ("SENDS_A_MINUTE", "CREATIONS_A_MINUTE", "TOKEN_REQUESTS_A_MINUTE", "ADDRESS_REQUESTS_A_MINUTE"):
        setattr(settings, f"AGENTOS_{limit}", 10**6)
    monkeypatch.setattr(sending, "MARGIN", 0.0)


@pytest.fixture
def client(owner: User) -> Client:
    _, secret = create_token(by=owner, name="test", scopes=list(SCOPES), days=1)
    return Client(headers={"Authorization": f"Bearer {secret}"}, raise_request_exception=False)


def doors(document: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Give method, path and an example of every operation that takes JSON."""
    schemas = document["components"]["schemas"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            if schema:
                name = str(schema.get("$ref") or schema["oneOf"][2]["$ref"]).rpartition("/")[2]
                example = (schemas[name].get("examples") or [{}])[0]
                yield method, path, {**dict.fromkeys(schemas[name]["properties"]), **example}


DOORS = [*doors(api.get_openapi_schema()), *doors(openai.get_openapi_schema())]


def bodies(example: dict[str, Any]) -> Iterator[str]:
    yield from ODD
    for name in example:
        rest = {key: value for key, value in example.items() if key != name and value is not None}
        for odd in ODD:
            yield f"{json.dumps(rest)[:-1]}{', ' if rest else ''}{json.dumps(name)}: {odd}}}"


@pytest.mark.parametrize(("method", "path", "example"), DOORS, ids=[f"{method} {path}" for method, path, _ in DOORS])
def test_no_body_breaks_a_door(client: Client, owner: User, everyone_agent: DjangoAgent, method: str, path: str, example: Any) -> None:
    session = ChatSessionFactory(user=owner, agent=everyone_agent)
    run = RunFactory(session=session, status=Run.Status.WAITING, requirements=[FORM], agno_output={}, attempt=1)
    ids = {"session_id": session.session_id, "run_id": run.run_id}
    address = re.sub(r"\{(\w+)\}", lambda found: ids.get(found[1], "1"), path)
    for body in bodies(example):
        answer = client.generic(method.upper(), address, body, content_type="application/json")
        assert answer.status_code < 500 or answer.headers.get("X-Error-Code") == "not_finished", (body[:200], answer.content[:300])
        Run.objects.filter(pk=run.pk).update(status=Run.Status.WAITING, requirements=[FORM])


def test_no_value_of_a_form_breaks_the_api(client: Client, owner: User, everyone_agent: DjangoAgent) -> None:
    run = RunFactory(
        session=ChatSessionFactory(user=owner, agent=everyone_agent),
        status=Run.Status.WAITING,
        requirements=[FORM],
        agno_output={},
        attempt=1,
    )
    good: dict[str, Any] = {"int": 1, "float": 2.5, "list": ["a"], "dict": {"a": 1}, "bool": True, "str": "a"}
    texts = ("nan", "inf", "-Infinity", "1e999", "[" * 9000, "[" * 9000 + "]" * 9000, '["\\ud800"]', '{"a": NaN}', "\0", "9" * 5000)
    for name in good:
        for odd in [*ODD, *(json.dumps(text) for text in texts)]:
            said = json.dumps({key: value for key, value in good.items() if key != name})[:-1]
            body = f'{{"answers": [{{"call_id": "call_1", "confirmed": true, "values": {said}, "{name}": {odd}}}}}]}}'
            answer = client.post(reverse("api:answer_run", args=[run.run_id]), body, content_type="application/json")
            assert answer.status_code in {200, 400, 422}, (name, odd[:50], answer.content[:200])
            if odd in {'"nan"', '"inf"', '"1e999"'} and name in {"int", "float"}:
                assert answer.status_code == 422
                assert answer.json()["error"].startswith(f"answers: {name.capitalize()} must be a")
            Run.objects.filter(pk=run.pk).update(status=Run.Status.WAITING, requirements=[FORM])


def test_no_event_breaks_a_webhook(everyone_agent: DjangoAgent) -> None:
    endpoint = WebhookEndpointFactory(agent=everyone_agent)
    client = Client(raise_request_exception=False)
    said = '{"event": "message_received", "data": {"text": %s, "thread": "b"}}'
    sent = [*bodies({"event": "message_received", "data": {"text": "a", "thread": "b"}}), *(said % odd for odd in ODD)]
    for number, body in enumerate(sent):
        answer = client.post("/agentos/webhook/", body, content_type="application/json")
        assert answer.status_code < 500, (body[:100], answer.content[:200])
        headers = headers_of(body, message_id=f"msg_{number}")
        answer = client.post(url_of(endpoint), body.encode(), content_type="application/json", headers=headers)
        assert answer.status_code < 500, (body[:100], answer.content[:200])
    assert ChatSession.objects.exists()


def test_all_doors_look_at_the_content_type(client: Client, owner: User, everyone_agent: DjangoAgent) -> None:
    """Anybody can make a browser send JSON as plain text to another site. A signed webhook is proven, whatever type it names."""
    for kind in (
        "text/plain",
        "text/plain; a=application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
    ):
        for method, path, example in DOORS:
            answer = client.generic(method.upper(), re.sub(r"\{\w+\}", "1", path), json.dumps(example), content_type=kind)
            assert (answer.status_code, answer.headers["X-Error-Code"]) == (415, "unsupported_media_type"), (method, path, kind)
        assert client.generic("POST", "/agentos/webhook/", "{}", content_type=kind).status_code == 415
