"""The OpenAPI document, and every operation held to it by generated calls."""

import asyncio
import itertools
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.management.color import no_style
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.test import Client
from hypothesis import HealthCheck, given, settings, strategies
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import ignored_auth

import agentos
from agentos.access.invitations import CONSOLE, invite
from agentos.access.models import Invitation, Team, User
from agentos.agents import actions as workshop
from agentos.agents.models import AccessRequest, AgentCase, DjangoAgent
from agentos.api.agent_test_resources import TEST_ID
from agentos.api.app import api
from agentos.api.connection_resources import SLUG
from agentos.api.document import CODES
from agentos.api.file_resources import FILE_ID, UPLOAD_ID
from agentos.api.knowledge_resources import BASE_ID, DOCUMENT_ID
from agentos.api.resources import RUN_ID
from agentos.api.schemas import SESSION
from agentos.api.scopes import NEEDED
from agentos.api.skill_resources import SKILL_ID
from agentos.api.teams import INVITATION_ID, PERSON_ID
from agentos.api.webhook_resources import HOOK_ID, MESSAGE_ID, TEAM
from agentos.api.workshop_resources import MADE
from agentos.chat.runs.engine import Engine
from agentos.core import db as database
from agentos.knowledge.models import Base, Document
from agentos.memories.actions import add_memory
from tests.api.calls import ROOT
from tests.factories import (
    AgentCaseFactory,
    AgentFactory,
    BaseFactory,
    ChatSessionFactory,
    MembershipFactory,
    RemoteToolFactory,
    RunFactory,
    TeamFactory,
    UserFactory,
)
from tests.files.made import make_files, picture
from tests.skills.made import make_skill
from tests.webhooks.outbound import make_delivery, make_endpoint

AGENTOS = Path(agentos.__file__).parent
DOCUMENT = api.get_openapi_schema()
BYTES, CHART = "application/octet-stream", picture("PNG")


def generable() -> dict[str, Any]:
    """Return the document without the length of a message, which the generator needs ten seconds to think about, and with plain URLs.

    That an agent or a session has to be named is said in words: beside properties, generators of clients do not understand ``anyOf``.
    """
    copy: dict[str, Any] = json.loads(json.dumps(DOCUMENT))
    for name in ("MessageIn", "SendMessageAction", "RunIn", "EditIn", "TryIn"):
        del copy["components"]["schemas"][name]["properties"]["message"]["maxLength"]
    either = [{"required": [name], "properties": {name: {"type": "string", "minLength": 1}}} for name in ("agent_id", "session_id")]
    for name in ("MessageIn", "SendMessageAction"):
        copy["components"]["schemas"][name]["anyOf"] = either
    for name in ("MemoryIn", "MemoryChange"):
        # Of a text in which there is nothing to see, nothing would be remembered.
        copy["components"]["schemas"][name]["properties"]["text"]["pattern"] = "[A-Za-z]"
    for name in ("WebhookIn", "WebhookChange"):
        # Not every URL can be called, and JSON Schema has no words for which.
        copy["components"]["schemas"][name]["properties"]["url"] = {"type": "string", "format": "receiver"}
    for name in ("ConnectionIn", "ConnectionChange"):
        # Whether a key is needed, and may go to a URL, is said in words.
        fields = copy["components"]["schemas"][name]["properties"]
        fields |= {"url": {"type": "string", "format": "server"}, "auth": {"const": "none"}}
        del fields["key"]
    # What is an address, only words say; so is who may be made what.
    copy["components"]["schemas"]["InvitationIn"]["properties"]["email"] = {"type": "string", "pattern": r"^[a-z]{1,20}@example\.com$"}
    # How large a file may be, what a document is made of, and what is a file of an agent, is said in words.
    schemas = copy["components"]["schemas"]
    schemas["UploadIn"]["properties"]["size"] = {"type": "integer", "minimum": 1, "maximum": 1000}
    schemas["DocumentIn"]["required"] = ["text"]
    schemas["DocumentIn"]["properties"] = {"text": {"type": "string", "pattern": "^[A-Za-z]{1,20}$"}}
    schemas["ImportIn"]["properties"]["file"] = {"const": schemas["ImportIn"]["examples"][0]["file"]}
    # Which models an agent answers with, which files and bases there are, and who can be a member of what, only the installation knows.
    for name in ("MessageIn", "SendMessageAction", "RunIn"):
        for field in ("model", "effort", "files"):
            del copy["components"]["schemas"][name]["properties"][field]
    schemas["SessionChange"]["properties"]["bases"] = {"type": "array", "maxItems": 0}
    retry = copy["paths"]["/api/v1/agentos/runs/{run_id}/retry/"]["post"]
    retry["parameters"] = [parameter for parameter in retry["parameters"] if parameter["name"] not in {"model", "effort"}]
    for field in ("kind", "members"):
        del copy["components"]["schemas"]["BlueprintChange"]["properties"][field]
    return copy


schemathesis.openapi.format("receiver", strategies.from_regex(r"https?://[a-z]{1,9}\.example(/[a-z]{0,9})?", fullmatch=True))
schemathesis.openapi.format("server", strategies.from_regex(r"https://[a-z]{1,9}\.example(/[a-z]{0,9})?", fullmatch=True))
schemathesis.openapi.media_type(BYTES, strategies.just(CHART))  # what is no kind of file, only words say
SCHEMA = schemathesis.openapi.from_dict(generable())
SCHEMA.app = get_wsgi_application()
PLAIN = {"Accept-Encoding": "identity"}  # the client in between asks for gzip and cannot read it
COOKIE: dict[str, str] = {}  # what the calls carry, one or the other in turn, from the fixture ``credential``
HEADER: dict[str, str] = {}
TURNS = itertools.cycle((True, False))


@SCHEMA.auth(refresh_interval=None)
class Credential:
    def get(self, case: schemathesis.Case, context: schemathesis.AuthContext) -> dict[str, str]:
        return {"_": "one or the other"}

    def set(self, case: schemathesis.Case, data: dict[str, str], context: schemathesis.AuthContext) -> None:
        if next(TURNS):
            case.cookies = {**(case.cookies or {}), **COOKIE}
        else:
            case.headers.update(HEADER)


OPERATIONS = {operation.label: operation for operation in (found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok))}
MADE_ID = str(MADE["id"])
# As the examples have them.
NAMES: dict[str, Any] = {
    "session_id": SESSION["id"],
    "run_id": RUN_ID,
    "agent_id": "assistant",
    "hook_id": HOOK_ID,
    "message_id": MESSAGE_ID,
    "request_id": 7,
    "test_id": TEST_ID,
    "slug": SLUG,
    "number": 2,
    "skill_id": SKILL_ID,
    "team_id": TEAM["id"],
    "base_id": BASE_ID,
    "document_id": DOCUMENT_ID,
    "file_id": FILE_ID,
    "upload_id": UPLOAD_ID,
    "person_id": PERSON_ID,
    "invitation_id": INVITATION_ID,
}


def bodies() -> Iterator[tuple[str, Any, Any]]:
    """Yield operations with each example of a body that they take."""
    for label, operation in OPERATIONS.items():
        method, path = label.split(" ", 1)
        described = DOCUMENT["paths"][path][method.lower()].get("requestBody")
        if described is None:
            yield label, operation, None
            continue
        if BYTES in described["content"]:
            yield label, operation, CHART
            continue
        schema = described["content"]["application/json"]["schema"]
        for reference in schema.get("oneOf", [schema]):
            name = reference["$ref"].rpartition("/")[2]
            yield f"{label} {name}", operation, DOCUMENT["components"]["schemas"][name]["examples"][0]


EXAMPLES = {name: (operation, body) for name, operation, body in bodies()}
# Where errors have codes of other protocols, or are told on pages alone.
NOT_OF_THE_API = (
    "access/sign_in", "api/openai/", "chat/exporting/pdf", "gateway/", "speech/voices", "webhooks/inbound/",
)  # fmt: skip
# What the example's run, which is complete, has no use for, and who has the agent already.
REFUSED = {"continue_run": 409, "answer_run": 409, "ask_for_access": 409, "delete_agent": 409, "write_down_file": 409, "all_usage": 403}
# In two modes, so twice as many an operation. One database for all of a test's calls: what they leave behind is part of it.
GENERATED = settings(max_examples=8, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))


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
def support(transactional_db: None) -> Team:
    return TeamFactory(pk=TEAM["id"], name="Support", personal_agents=True)


@pytest.fixture
def credential(answering: None, owner: User, as_owner: Client, secret: str, everyone_agent: DjangoAgent, settings: Any) -> Iterator[None]:
    """Of somebody who has the agent, the session, the run and the webhook that the document's examples name, and no limits."""
    settings.AGENTOS_SENDS_A_MINUTE = settings.AGENTOS_CREATIONS_A_MINUTE = settings.AGENTOS_TOKEN_REQUESTS_A_MINUTE = 0
    settings.EMAIL_BACKEND = CONSOLE  # a thread that mails uses chance, which the generator does not bear
    session = ChatSessionFactory(user=owner, agent=everyone_agent, session_id=SESSION["id"])
    RunFactory(session=session, turn=1)
    RunFactory(session=session, turn=2, run_id=RUN_ID)
    team = owner.memberships.get().team
    make_agent(team, owner)
    make_delivery(make_endpoint(team, hook_id=HOOK_ID), message_id=MESSAGE_ID)
    RemoteToolFactory(server__slug=SLUG, server__team=team)
    for text in ("Likes tea.", "Likes green tea."):
        add_memory(text=text, agent=None, by=owner)
    AccessRequest.objects.create(pk=NAMES["request_id"], agent=AgentFactory(team=team), user=UserFactory())
    make_skill(team, owner)
    make_files(owner)
    base = BaseFactory(pk=BASE_ID, team=team)
    Document.objects.create(pk=DOCUMENT_ID, base=base, title="rules.pdf", source="file", status="failed")
    MembershipFactory(team=team, user=UserFactory(pk=int(PERSON_ID)))
    Invitation.objects.filter(pk=invite(email="nils@example.com", team=team, by=owner)[0].pk).update(id=INVITATION_ID)
    count_on()
    COOKIE.update({name: morsel.value for name, morsel in as_owner.cookies.items()})
    HEADER["Authorization"] = f"Bearer {secret}"
    yield
    COOKIE.clear()
    HEADER.clear()


def count_on() -> None:
    """Let what the calls make get numbers after those that were chosen here, which PostgreSQL does not know of by itself."""
    chosen = [Team, User, Invitation, AccessRequest, AgentCase, Base, Document]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), chosen):
            cursor.execute(statement)


def at_home(case: schemathesis.Case) -> schemathesis.Case:
    """The same call, of an object that is there."""
    case.path_parameters = {name: named(name, case.operation.path) for name in case.path_parameters or {}}
    return case


def named(parameter: str, path: str) -> Any:
    """What there is: of the agents, in the workshop, one that is the caller's to change."""
    return MADE_ID if parameter == "agent_id" and "/workshop/" in path else NAMES[parameter]


def make_agent(team: Team, by: User) -> None:
    """With two versions that are past, and a draft."""
    agent = workshop.start_agent(name="Letter Helper", agent_id=MADE_ID, team=team, blueprint={"model": "scripted:5x0"}, by=by)
    for words in ("One", "Two", "Three"):
        workshop.save_draft(agent=agent, changes={"description": words}, stamp=None, by=by)
        workshop.publish_agent(agent=agent, by=by)
    workshop.save_draft(agent=agent, changes={"description": "Four"}, stamp=None, by=by)
    AgentCaseFactory(pk=TEST_ID, agent=agent)


class TestDocument:
    def test_is_for_everybody(self, client: Client) -> None:
        response = client.get(f"{ROOT}openapi.json")
        assert response.status_code == 200
        assert response.json() == json.loads(json.dumps(DOCUMENT))
        assert client.post(f"{ROOT}openapi.json").status_code == 405

    def test_declares_every_endpoint_with_its_errors_and_who_may_call(self) -> None:
        assert DOCUMENT["openapi"].startswith("3.1")
        schemes = DOCUMENT["components"]["securitySchemes"]
        assert (schemes["SessionCookie"]["in"], schemes["SessionCookie"]["name"]) == ("cookie", "session")
        assert (schemes["BearerToken"]["type"], schemes["BearerToken"]["scheme"]) == ("http", "bearer")
        operations = [operation for methods in DOCUMENT["paths"].values() for operation in methods.values()]
        assert {operation["operationId"] for operation in operations} == set(NEEDED)
        assert len(operations) == len(OPERATIONS)
        for operation in operations:
            scope = NEEDED[operation["operationId"]]
            assert operation["security"] == [{"BearerToken": [scope] if scope else []}, {"SessionCookie": []}]
            statuses = {int(status) for status in operation["responses"]}
            assert {400, 401, 403, 405, 422, 429, 500, 503} <= statuses
            if "requestBody" in operation:
                assert {404, 409, 413, 415} <= statuses
            for status, answer in operation["responses"].items():
                schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
                assert (schema.get("$ref") == "#/components/schemas/Refused") is (int(status) >= 400)

    def test_names_every_code_of_an_error(self) -> None:
        documented = {code for codes in CODES.values() for code in codes}
        for path in AGENTOS.rglob("*.py"):
            if not str(path.relative_to(AGENTOS)).startswith(NOT_OF_THE_API):
                assert set(re.findall(r'\bcode ?= ?"([a-z_]+)"', path.read_text(encoding="utf-8"))) <= documented, path

    @pytest.mark.parametrize("name", sorted(DOCUMENT["components"]["schemas"]))
    def test_gives_an_example_of_everything_that_goes_in(self, name: str) -> None:
        if name.endswith(("In", "Action")):
            assert DOCUMENT["components"]["schemas"][name]["examples"]


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous iterators")  # the calls come by WSGI
class TestOperations:
    @pytest.mark.parametrize("name", sorted(EXAMPLES))
    def test_accept_the_documents_examples(self, credential: None, name: str) -> None:
        operation, body = EXAMPLES[name]
        content = {"body": body, "media_type": BYTES if isinstance(body, bytes) else "application/json"} if body else {}
        who = {"cookies": COOKIE} if sorted(EXAMPLES).index(name) % 2 else {"headers": HEADER}
        parameters = operation.definition.raw["parameters"]
        asked = {each["name"]: each["example"] for each in parameters if each["in"] == "query" and "example" in each}
        case = operation.Case(**content, path_parameters={}, query=asked, **who)
        case.path_parameters = {parameter.name: named(parameter.name, operation.path) for parameter in operation.path_parameters}
        status = case.call_and_validate(headers=PLAIN, excluded_checks=[ignored_auth]).status_code
        refused = REFUSED.get(operation.definition.raw["operationId"])
        assert (status == refused) if refused else (200 <= status < 300)

    @pytest.mark.parametrize("label", sorted(OPERATIONS))
    def test_keep_to_the_document(self, credential: None, label: str, subtests: pytest.Subtests) -> None:
        for mode in GenerationMode:

            @GENERATED
            @given(case=OPERATIONS[label].as_strategy(mode))
            def hold(case: schemathesis.Case) -> None:
                case.call_and_validate(headers=PLAIN)

            with subtests.test(mode=mode):
                hold()

        @GENERATED
        @given(case=OPERATIONS[label].as_strategy())
        def hold_with_an_object_that_is_there(case: schemathesis.Case) -> None:
            at_home(case).call_and_validate(headers=PLAIN, excluded_checks=[ignored_auth])

        if "{" in label:
            hold_with_an_object_that_is_there()

    @pytest.mark.django_db
    def test_tell_everybody_else_to_sign_in(self, subtests: pytest.Subtests) -> None:
        for label, operation in OPERATIONS.items():

            @settings(GENERATED, max_examples=3)
            @given(case=operation.as_strategy())
            def hold(case: schemathesis.Case) -> None:
                response = at_home(case).call(headers=PLAIN)
                case.validate_response(response)
                assert response.status_code == 401

            with subtests.test(label):
                hold()
