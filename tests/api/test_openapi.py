"""The OpenAPI document, and every operation held to it by generated calls."""

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from django.test import Client
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import ignored_auth

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.api.app import api
from agentos.api.schemas import SESSION
from agentos.chat.engine import Engine
from agentos.core import db as database
from tests.api.calls import ROOT
from tests.factories import ChatSessionFactory

DOCUMENT = api.get_openapi_schema()


def generable() -> dict[str, Any]:
    """Return the document without the length of a message, which the generator needs ten seconds to think about."""
    copy: dict[str, Any] = json.loads(json.dumps(DOCUMENT))
    for name in ("MessageIn", "SendMessageAction"):
        del copy["components"]["schemas"][name]["properties"]["message"]["maxLength"]
    return copy


SCHEMA = schemathesis.openapi.from_dict(generable())
SCHEMA.app = get_wsgi_application()
PLAIN = {"Accept-Encoding": "identity"}  # the client in between asks for gzip and cannot read it
SIGNED_IN: dict[str, str] = {}  # the cookie that the calls carry, from the fixture ``session_cookie``


@SCHEMA.auth(refresh_interval=None)
class Cookie:
    def get(self, case: schemathesis.Case, context: schemathesis.AuthContext) -> dict[str, str]:
        return SIGNED_IN

    def set(self, case: schemathesis.Case, data: dict[str, str], context: schemathesis.AuthContext) -> None:
        case.cookies = {**(case.cookies or {}), **data}


OPERATIONS = {operation.label: operation for operation in (found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok))}
BODIES = {
    f"{operation} {name}": (operation, body["examples"][0])
    for operation, name in (
        ("POST /api/v1/agentos/send-message/", "MessageIn"),
        ("POST /api/v1/agentos/create-session/", "SessionIn"),
        *(("POST /api/v1/agentos/", name) for name in DOCUMENT["components"]["schemas"] if name.endswith("Action")),
    )
    for body in (DOCUMENT["components"]["schemas"][name],)
}
# In two modes, so twice as many an operation. One database for all of a test's calls: what they leave behind is part of it.
GENERATED = settings(max_examples=15, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.fixture
def answering(transactional_db: None) -> Iterator[None]:
    """An engine on a loop in a thread of its own, as the calls come from this one."""
    started, stop = threading.Event(), threading.Event()

    async def serve() -> None:
        engine = Engine()
        await engine.start()
        started.set()
        while not stop.is_set():
            await asyncio.sleep(0.02)
        await engine.stop(0)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert started.wait(10)
    yield
    stop.set()
    thread.join(10)
    database.close()


@pytest.fixture
def session_cookie(answering: None, as_owner: Client, owner: User, everyone_agent: DjangoAgent) -> Iterator[None]:
    """Of somebody who has the agent and the session that the document's examples name."""
    ChatSessionFactory(user=owner, agent=everyone_agent, session_id=SESSION["id"])
    SIGNED_IN.update({name: morsel.value for name, morsel in as_owner.cookies.items()})
    yield
    SIGNED_IN.clear()


class TestDocument:
    def test_is_for_everybody(self, client: Client) -> None:
        response = client.get(f"{ROOT}openapi.json")
        assert response.status_code == 200
        assert response.json() == json.loads(json.dumps(DOCUMENT))
        assert client.post(f"{ROOT}openapi.json").status_code == 405

    def test_declares_every_endpoint_with_its_errors_and_who_may_call(self) -> None:
        assert DOCUMENT["openapi"].startswith("3.1")
        assert DOCUMENT["components"]["securitySchemes"]["SessionCookie"]["in"] == "cookie"
        assert DOCUMENT["components"]["securitySchemes"]["SessionCookie"]["name"] == "session"
        assert len(OPERATIONS) == 8
        for operation in (method for path in DOCUMENT["paths"].values() for method in path.values()):
            assert operation["security"] == [{"SessionCookie": []}]
            statuses = {int(status) for status in operation["responses"]}
            assert {200, 400, 401, 405, 422, 500, 503} <= statuses
            if "requestBody" in operation:
                assert {403, 404, 409, 413, 415} <= statuses
            for status, answer in operation["responses"].items():
                refused = answer["content"]["application/json"]["schema"].get("$ref") == "#/components/schemas/Refused"
                assert refused is (int(status) != 200)

    @pytest.mark.parametrize("name", sorted(DOCUMENT["components"]["schemas"]))
    def test_gives_an_example_of_everything_that_goes_in(self, name: str) -> None:
        if name.endswith(("In", "Action")):
            assert DOCUMENT["components"]["schemas"][name]["examples"]


class TestOperations:
    @pytest.mark.parametrize("name", sorted(BODIES))
    def test_accept_the_documents_examples(self, session_cookie: None, name: str) -> None:
        operation, body = BODIES[name]
        case = OPERATIONS[operation].Case(body=body, media_type="application/json", cookies=SIGNED_IN)
        assert case.call_and_validate(headers=PLAIN, excluded_checks=[ignored_auth]).status_code == 200

    @pytest.mark.parametrize("mode", list(GenerationMode))
    @pytest.mark.parametrize("label", sorted(OPERATIONS))
    def test_keep_to_the_document(self, session_cookie: None, label: str, mode: GenerationMode) -> None:
        @GENERATED
        @given(case=OPERATIONS[label].as_strategy(mode))
        def hold(case: schemathesis.Case) -> None:
            case.call_and_validate(headers=PLAIN)

        hold()

    @pytest.mark.parametrize("label", sorted(OPERATIONS))
    def test_tell_everybody_else_to_sign_in(self, transactional_db: None, label: str) -> None:
        @GENERATED
        @given(case=OPERATIONS[label].as_strategy())
        def hold(case: schemathesis.Case) -> None:
            response = case.call(headers=PLAIN)
            case.validate_response(response)
            assert response.status_code == 401

        hold()
