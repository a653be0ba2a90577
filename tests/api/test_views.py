"""Every endpoint of the spec, with its exact keys, and what it refuses."""

import re
from typing import Any, NoReturn

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.api import sending
from agentos.audit.models import AuditRecord
from agentos.chat.models import ChatSession, Run
from agentos.service import AgentOSService
from tests.api.calls import ROOT, SEND, assert_refused, post
from tests.factories import AgentFactory, ChatSessionFactory, RunFactory

pytestmark = pytest.mark.django_db

ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
ENDPOINTS = {
    "agentos_api": "",
    "agentos_agents_api": "agents/",
    "agentos_send_message": "send-message/",
    "agentos_create_session": "create-session/",
    "agentos_sessions_api": "sessions/",
    "agentos_info_api": "info/",
    "agentos_fastapi_app": "fastapi/",
}
READ = ("", "agents/", "sessions/", "info/", "fastapi/")
WRITE = ("", "send-message/", "create-session/")
METHODS = {"GET": READ, "POST": (*WRITE, "sessions/")}
SESSION_KEYS = {"id", "title", "agent_name", "agent_id", "created_at", "updated_at"}
ASSISTANT = {
    "id": "assistant",
    "name": "Assistant",
    "description": "Answers in five words.",
    "model": "scripted:5x0",
    "tools": ["clock"],
    "capabilities": ["chat"],
    "starters": ["What can you do?"],
    "kind": "agent",
    "members": [],
    "models": ["scripted:5x0"],
    "efforts": [],
    "personal": False,
}


@pytest.fixture(autouse=True)
def _no_waiting(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing answers in these tests: a message that is taken in where it should not be fails its test at once."""
    settings.AGENTOS_RUN_TIMEOUT = 0
    monkeypatch.setattr(sending, "MARGIN", 0.0)


@pytest.fixture
def assistant(everyone_agent: DjangoAgent) -> DjangoAgent:
    everyone_agent.tools, everyone_agent.capabilities = ["clock"], ["chat"]
    everyone_agent.starters = ["What can you do?"]
    everyone_agent.save()
    return everyone_agent


class TestUrls:
    @pytest.mark.parametrize(("name", "path"), ENDPOINTS.items())
    def test_have_the_names_of_the_spec(self, name: str, path: str) -> None:
        assert reverse(f"api:{name}") == ROOT + path

    @pytest.mark.parametrize("path", [path for path in ENDPOINTS.values() if path])
    @pytest.mark.parametrize("method", ["get", "post"])
    @pytest.mark.parametrize("debug", [False, True])
    def test_do_not_redirect_without_the_slash(self, as_owner: Client, settings: Any, path: str, method: str, debug: bool) -> None:
        settings.DEBUG = debug
        assert_refused(getattr(as_owner, method)(ROOT + path.rstrip("/")), 404, "not_found")

    @pytest.mark.parametrize("path", ["nothing/", "agents/assistant/nothing/", "openapi.json/", "docs"])
    def test_answer_json_where_nothing_is(self, as_owner: Client, path: str) -> None:
        assert_refused(as_owner.get(ROOT + path), 404, "not_found")
        assert_refused(as_owner.get("/api/v2/"), 404, "not_found")


class TestAgentosAgentsApi:
    def test_lists_what_the_caller_may_use(self, as_owner: Client, assistant: DjangoAgent, other_team_agent: DjangoAgent) -> None:
        response = as_owner.get(f"{ROOT}agents/")
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "application/json; charset=utf-8"
        assert response.json() == {"agents": [ASSISTANT]}

    def test_asks_as_many_queries_for_many(self, as_owner: Client) -> None:
        counts = []
        for more in (1, 20):
            AgentFactory.create_batch(more, is_global=True)
            with CaptureQueriesContext(connection) as queries:
                as_owner.get(f"{ROOT}agents/")
            counts.append(len(queries))
        assert counts[0] == counts[1]


class TestAgentosInfoApi:
    def test_tells_about_the_instance(self, as_owner: Client, owner: User, assistant: DjangoAgent) -> None:
        assert as_owner.get(f"{ROOT}info/").json() == {
            "id": f"agentos_user_{owner.pk}",
            "description": "AgentOS instance for owner@example.com",
            "agents_count": 1,
            "available_agents": [ASSISTANT],
        }


class TestAgentosFastapiApp:
    def test_tells_about_the_app(self, as_owner: Client, owner: User) -> None:
        body = as_owner.get(f"{ROOT}fastapi/").json()
        assert list(body) == ["message", "app_id", "note"]
        assert body["message"] == "AgentOS FastAPI app is available"
        assert body["app_id"] == f"agentos_app_{owner.pk}"


class TestAgentosSessionsApi:
    def test_pages_through_the_callers_sessions(self, as_owner: Client, owner: User, stranger: User, assistant: DjangoAgent) -> None:
        ChatSessionFactory.create_batch(21, user=owner, agent=assistant)
        ChatSessionFactory(user=stranger, agent=assistant)
        first = as_owner.get(f"{ROOT}sessions/").json()
        assert list(first) == ["sessions", "page", "total_pages", "total_sessions"]
        assert (len(first["sessions"]), first["page"], first["total_pages"], first["total_sessions"]) == (20, 1, 2, 21)
        row = first["sessions"][0]
        assert set(row) == SESSION_KEYS
        assert (row["agent_name"], row["agent_id"]) == ("Assistant", "assistant")
        assert ISO.fullmatch(row["created_at"])
        assert ISO.fullmatch(row["updated_at"])
        assert len(as_owner.get(f"{ROOT}sessions/?page=2").json()["sessions"]) == 1

    def test_calls_a_session_without_a_title_a_new_chat(self, as_owner: Client, owner: User, assistant: DjangoAgent) -> None:
        ChatSessionFactory(user=owner, agent=assistant, title="")
        assert as_owner.get(f"{ROOT}sessions/").json()["sessions"][0]["title"] == "New chat"

    def test_gives_an_empty_page_past_the_end(self, as_owner: Client) -> None:
        body = as_owner.get(f"{ROOT}sessions/?page=999").json()
        assert body == {"sessions": [], "page": 999, "total_pages": 1, "total_sessions": 0}

    @pytest.mark.parametrize("page", ["0", "-1", "abc", "", "1.5", "null", "NaN", str(10**30), "9" * 5000, "1%00"])
    def test_refuses_what_is_no_page(self, as_owner: Client, page: str) -> None:
        assert_refused(as_owner.get(f"{ROOT}sessions/?page={page}"), 422, "invalid_fields", "page: ")

    def test_asks_as_many_queries_for_many(self, as_owner: Client, owner: User) -> None:
        counts = []
        for more in (1, 15):
            ChatSessionFactory.create_batch(more, user=owner)
            with CaptureQueriesContext(connection) as queries:
                as_owner.get(f"{ROOT}sessions/")
            counts.append(len(queries))
        assert counts == [4, 4]  # the session, the user, the count, the page


class TestAgentosCreateSession:
    def test_opens_a_session(self, as_owner: Client, owner: User, assistant: DjangoAgent) -> None:
        response = post(as_owner, f"{ROOT}create-session/", {"agent_id": "assistant", "title": "New Chat Session"})
        assert response.status_code == 200
        session = ChatSession.objects.get()
        assert response.json() == {"success": True, "session_id": session.session_id}
        assert (session.user, session.agent, session.title) == (owner, assistant, "New Chat Session")
        assert AuditRecord.objects.get(verb="chat.session.created").actor == owner

    def test_needs_no_title(self, as_owner: Client, assistant: DjangoAgent) -> None:
        assert post(as_owner, f"{ROOT}create-session/", {"agent_id": "assistant"}).status_code == 200

    @pytest.mark.parametrize("agent_id", ["researcher", "retired", "nobody", "a\0b", "x" * 5000, "'; DROP TABLE"])
    def test_finds_no_agent_that_the_caller_may_not_use(
        self, as_owner: Client, other_team_agent: DjangoAgent, inactive_agent: DjangoAgent, agent_id: str
    ) -> None:
        assert_refused(post(as_owner, f"{ROOT}create-session/", {"agent_id": agent_id}), 404, "agent_not_found")
        assert not ChatSession.objects.exists()

    def test_counts_the_title(self, as_owner: Client, assistant: DjangoAgent) -> None:
        path = f"{ROOT}create-session/"
        assert post(as_owner, path, {"agent_id": "assistant", "title": "t" * 200}).status_code == 200
        assert_refused(post(as_owner, path, {"agent_id": "assistant", "title": "t" * 201}), 422, "invalid_fields", "title: ", "200")

    def test_takes_nothing_else_from_the_body(self, as_owner: Client, owner: User, stranger: User, assistant: DjangoAgent) -> None:
        extra = {
            "user": stranger.pk,
            "user_id": stranger.pk,
            "team": 1,
            "is_staff": True,
            "session_id": "session_mine",
            "is_pinned": True,
            "id": 7,
        }
        post(as_owner, f"{ROOT}create-session/", {"agent_id": "assistant", **extra})
        session = ChatSession.objects.get()
        assert (session.user, session.is_pinned) == (owner, False)
        assert session.session_id != "session_mine"
        owner.refresh_from_db()
        assert not owner.is_staff


class TestAgentosApi:
    def test_reads_info_and_agents(self, as_owner: Client, assistant: DjangoAgent) -> None:
        info = as_owner.get(f"{ROOT}info/").json()
        assert as_owner.get(ROOT).json() == {"success": True, **info}
        assert as_owner.get(f"{ROOT}?action=info").json() == {"success": True, **info}
        assert as_owner.get(f"{ROOT}?action=agents").json() == {"success": True, "agents": [ASSISTANT]}

    @pytest.mark.parametrize("action", ["delete", "", "send_message", "a\0"])
    def test_reads_nothing_else(self, as_owner: Client, action: str) -> None:
        assert_refused(as_owner.get(ROOT, {"action": action}), 422, "invalid_fields", "action: ", "'info'", "'agents'")

    def test_does_what_the_endpoints_do(self, as_owner: Client, owner: User, assistant: DjangoAgent) -> None:
        created = post(as_owner, ROOT, {"action": "create_session", "agent_id": "assistant", "title": "Mine"}).json()
        assert created == {"success": True, "session_id": ChatSession.objects.get().session_id}
        assert post(as_owner, ROOT, {"action": "info"}).json() == as_owner.get(ROOT).json()
        assert post(as_owner, ROOT, {"action": "agents"}).json() == {"success": True, "agents": [ASSISTANT]}
        sessions = post(as_owner, ROOT, {"action": "sessions", "page": 1}).json()
        assert sessions == {"success": True, **as_owner.get(f"{ROOT}sessions/").json()}
        session = post(as_owner, ROOT, {"action": "session", "session_id": created["session_id"]}).json()
        assert session == {"success": True, "session": sessions["sessions"][0]}

    def test_takes_every_whole_number_for_a_page(self, as_owner: Client) -> None:
        for number in (2, 2.0):
            assert post(as_owner, ROOT, {"action": "sessions", "page": number}).json()["page"] == 2

    @pytest.mark.parametrize(
        ("body", "status", "code", "word"),
        [
            ({}, 422, "missing_fields", "action"),
            ({"action": "fly"}, 422, "invalid_fields", "action: "),
            ({"action": None}, 422, "invalid_fields", "action: "),
            ({"action": ["info"]}, 422, "invalid_fields", "action: "),
            ({"action": "create_session"}, 422, "missing_fields", "agent_id"),
            ({"action": "create_session", "agent_id": "nobody"}, 404, "agent_not_found", ""),
            ({"action": "session"}, 422, "missing_fields", "session_id"),
            ({"action": "session", "session_id": "session_x"}, 404, "session_not_found", ""),
            ({"action": "sessions", "page": 0}, 422, "invalid_fields", "page: "),
            ({"action": "sessions", "page": True}, 422, "invalid_fields", "page: "),
            ({"action": "sessions", "page": "2"}, 422, "invalid_fields", "page: "),
            ({"action": "sessions", "page": 1.5}, 422, "invalid_fields", "page: "),
            ({"action": "sessions", "page": 10**400}, 422, "invalid_fields", "page: "),
            ({"action": "send_message"}, 422, "missing_fields", "message"),
            ({"action": "send_message", "message": "hi"}, 422, "missing_fields", "agent_id"),
        ],
    )
    def test_says_what_is_wrong(self, as_owner: Client, body: Any, status: int, code: str, word: str) -> None:
        assert_refused(post(as_owner, ROOT, body), status, code, word)


class TestAgentosSendMessage:
    """What is refused before anything is stored; the answers themselves are in test_sending."""

    @pytest.mark.parametrize(
        ("body", "status", "code", "words"),
        [
            ({}, 422, "missing_fields", ["message"]),
            ({"agent_id": "assistant"}, 422, "missing_fields", ["message"]),
            ({"message": "hi"}, 422, "missing_fields", ["agent_id"]),
            ({"message": "hi", "agent_id": None, "session_id": ""}, 422, "missing_fields", ["agent_id"]),
            ({"message": "", "agent_id": "assistant"}, 422, "invalid_fields", ["message: "]),
            ({"message": " \n\t ", "agent_id": "assistant"}, 422, "invalid_fields", ["message: "]),
            ({"message": "m" * 32_001, "agent_id": "assistant"}, 422, "invalid_fields", ["message: ", "32,000"]),
            ({"message": 5, "agent_id": "assistant"}, 422, "invalid_fields", ["message: "]),
            ({"message": "hi", "agent_id": 5}, 422, "invalid_fields", ["agent_id: "]),
            ({"message": "hi", "agent_id": "assistant", "context": []}, 422, "invalid_fields", ["context: "]),
            ({"message": "hi", "agent_id": "assistant", "context": {"a": "b" * 16_000}}, 422, "invalid_fields", ["context: "]),
            ({"message": "hi", "agent_id": "researcher"}, 404, "agent_not_found", []),
            ({"message": "hi", "session_id": "session_x"}, 404, "session_not_found", []),
            ({"message": "hi", "session_id": "session\0x"}, 404, "session_not_found", []),
        ],
    )
    def test_refuses(
        self, as_owner: Client, assistant: DjangoAgent, other_team_agent: DjangoAgent, body: Any, status: int, code: str, words: list[str]
    ) -> None:
        assert_refused(post(as_owner, SEND, body), status, code, *words)
        assert not Run.objects.exists()

    def test_finds_no_session_of_somebody_else(self, as_owner: Client, stranger: User, assistant: DjangoAgent) -> None:
        foreign = ChatSessionFactory(user=stranger, agent=assistant)
        for body in ({}, {"agent_id": "assistant"}):
            assert_refused(post(as_owner, SEND, {"message": "hi", "session_id": foreign.session_id, **body}), 404, "session_not_found")
        action = {"action": "session", "session_id": foreign.session_id}
        assert_refused(post(as_owner, ROOT, action), 404, "session_not_found")
        assert not Run.objects.exists()

    def test_refuses_another_agent_than_the_sessions(self, as_owner: Client, owner: User, assistant: DjangoAgent) -> None:
        session = ChatSessionFactory(user=owner)
        body = {"message": "hi", "session_id": session.session_id, "agent_id": "assistant"}
        assert_refused(post(as_owner, SEND, body), 404, "agent_not_found")

    def test_refuses_when_the_agent_was_withdrawn(self, as_owner: Client, owner: User, inactive_agent: DjangoAgent) -> None:
        session = ChatSessionFactory(user=owner, agent=inactive_agent)
        assert_refused(post(as_owner, SEND, {"message": "hi", "session_id": session.session_id}), 409, "agent_closed")

    def test_refuses_when_the_model_cannot_be_used(self, as_owner: Client) -> None:
        AgentFactory(agent_id="keyless", model="openai:gpt-5.4", is_global=True)
        response = post(as_owner, SEND, {"message": "hi", "agent_id": "keyless"})
        assert_refused(response, 503, "agent_unavailable")
        assert int(response.headers["Retry-After"]) >= 1

    def test_refuses_when_too_many_messages_wait(self, as_owner: Client, owner: User) -> None:
        session = ChatSessionFactory(user=owner)
        RunFactory.create_batch(10, session=session, status=Run.Status.QUEUED)
        response = post(as_owner, SEND, {"message": "hi", "session_id": session.session_id})
        assert_refused(response, 429, "too_many_requests")
        assert int(response.headers["Retry-After"]) >= 1

    @pytest.mark.parametrize("key", ["k" * 101, "two words", "né"])
    def test_refuses_a_key_that_it_cannot_keep(self, as_owner: Client, assistant: DjangoAgent, key: str) -> None:
        response = post(as_owner, SEND, {"message": "hi", "agent_id": "assistant"}, **{"Idempotency-Key": key})
        assert_refused(response, 422, "invalid_fields", "Idempotency-Key: ")


class TestBodies:
    @pytest.mark.parametrize("path", WRITE)
    @pytest.mark.parametrize("body", [b"", b"{", b"{'a':1}", b"NaN", b'{"a":1e400}', b'{"a":1,"a":2}', b"[" * 10_000, b"\xff", b"9" * 5000])
    def test_that_are_not_json_are_400(self, as_owner: Client, path: str, body: bytes) -> None:
        assert_refused(post(as_owner, ROOT + path, body), 400, "invalid_json", "Invalid JSON: ")

    @pytest.mark.parametrize("path", WRITE)
    @pytest.mark.parametrize("body", [b"null", b"[]", b'"text"', b"7", b"true", b'[{"message":"hi"}]'])
    def test_that_are_no_object_are_422(self, as_owner: Client, path: str, body: bytes) -> None:
        assert_refused(post(as_owner, ROOT + path, body), 422, "invalid_fields", "object")

    @pytest.mark.parametrize("path", WRITE)
    @pytest.mark.parametrize(
        "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml"]
    )
    def test_of_another_type_are_415(self, as_owner: Client, path: str, kind: str) -> None:
        response = as_owner.post(ROOT + path, b'{"message": "hi", "agent_id": "assistant"}', content_type=kind)
        assert_refused(response, 415, "unsupported_media_type")

    @pytest.mark.parametrize("path", WRITE)
    def test_over_a_mebibyte_are_413(self, as_owner: Client, path: str) -> None:
        assert_refused(post(as_owner, ROOT + path, b'{"message": "' + b"a" * 1024 * 1024 + b'"}'), 413, "too_large")


class TestMethods:
    @pytest.mark.parametrize("path", ENDPOINTS.values())
    @pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "FOO"])
    def test_that_are_not_declared_are_405(self, as_owner: Client, path: str, method: str) -> None:
        allowed = {name for name, paths in METHODS.items() if path in paths}
        if method in allowed:
            return
        response = as_owner.generic(method, ROOT + path)
        assert response.status_code == 405
        assert set(response.headers["Allow"].split(", ")) == allowed
        if method != "HEAD":
            assert_refused(response, 405, "method_not_allowed")


class TestSessionCookie:
    @pytest.mark.parametrize("path", READ)
    def test_is_asked_for_before_reading(self, anonymous: Client, path: str) -> None:
        assert_refused(anonymous.get(ROOT + path), 401, "authentication_error", "Sign in")

    @pytest.mark.parametrize("path", WRITE)
    @pytest.mark.parametrize("body", [b"{}", b"not json"])
    def test_is_asked_for_before_writing(self, anonymous: Client, path: str, body: bytes) -> None:
        assert_refused(post(anonymous, ROOT + path, body), 401, "authentication_error")

    @pytest.mark.parametrize("path", READ)
    def test_of_a_suspended_user_counts_for_nothing(self, as_suspended: Client, path: str) -> None:
        assert_refused(as_suspended.get(ROOT + path), 401, "authentication_error")

    def test_counts_for_nothing_beside_a_bearer_token(self, as_owner: Client, assistant: DjangoAgent) -> None:
        assert_refused(as_owner.get(f"{ROOT}info/", headers={"Authorization": "Bearer guessed"}), 401, "invalid_token")
        assert as_owner.get(f"{ROOT}info/", headers={"Authorization": "Basic of-a-proxy"}).status_code == 200

    @pytest.mark.parametrize("path", WRITE)
    @pytest.mark.parametrize(
        "headers",
        [
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"},
        ],
    )
    def test_is_no_use_to_another_site(self, owner: User, assistant: DjangoAgent, path: str, headers: dict[str, str]) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(owner)
        body = {"action": "create_session", "agent_id": "assistant", "message": "hi"}
        assert_refused(post(client, ROOT + path, body, **headers), 403, "cross_origin")
        assert not ChatSession.objects.exists()

    @pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://testserver"}, {}])
    def test_needs_no_csrf_token_from_its_own_site(self, owner: User, assistant: DjangoAgent, headers: dict[str, str]) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(owner)
        assert post(client, f"{ROOT}create-session/", {"agent_id": "assistant"}, **headers).status_code == 200

    def test_grants_no_other_site_a_look_at_the_answer(self, as_owner: Client) -> None:
        for response in (
            as_owner.get(f"{ROOT}info/", headers={"Origin": "https://evil.example"}),
            as_owner.options(f"{ROOT}info/", headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}),
        ):
            assert not [name for name in response.headers if name.startswith("Access-Control")]


class TestBadLuck:
    """What goes wrong inside is an envelope too, and says nothing of the inside."""

    @pytest.fixture
    def caller(self, as_owner: Client) -> Client:
        as_owner.raise_request_exception = False
        return as_owner

    @pytest.mark.parametrize("debug", [False, True])
    @pytest.mark.parametrize(("method", "path"), [("GET", "info/"), ("GET", "agents/"), ("GET", ""), ("POST", "")])
    def test_of_the_engine_is_500(self, caller: Client, settings: Any, monkeypatch: Any, debug: bool, method: str, path: str) -> None:
        def fail(_service: AgentOSService) -> NoReturn:
            raise RuntimeError("SELECT secret FROM /srv/vault.py")

        monkeypatch.setattr(AgentOSService, "get_available_agents", fail)
        settings.DEBUG = debug
        response = caller.generic(method, ROOT + path, b'{"action": "info"}', content_type="application/json")
        sentence = assert_refused(response, 500, "agentos_error")
        assert "secret" not in sentence

    def test_of_the_database_is_503(self, caller: Client, monkeypatch: Any) -> None:
        def fail(_service: AgentOSService) -> NoReturn:
            raise OperationalError("could not connect to server: /srv/socket")

        monkeypatch.setattr(AgentOSService, "get_available_agents", fail)
        response = caller.get(f"{ROOT}info/")
        assert "socket" not in assert_refused(response, 503, "unavailable")
        assert int(response.headers["Retry-After"]) >= 1

    def test_with_the_host_is_400(self, caller: Client) -> None:
        assert_refused(caller.get(f"{ROOT}info/", headers={"Host": "evil.example"}), 400, "bad_request")

    def test_with_thousands_of_parameters_is_400(self, caller: Client) -> None:
        assert_refused(caller.get(ROOT + "sessions/?" + "&".join(f"p{n}=1" for n in range(10_000))), 400, "bad_request")

    def test_with_strange_headers_changes_nothing(self, caller: Client) -> None:
        headers = {
            "Accept-Language": "de," * 4000,
            "Accept": "text/html",
            "X-Forwarded-Host": "evil.example",
            "X-HTTP-Method-Override": "DELETE",
        }
        assert caller.get(f"{ROOT}info/", headers=headers).status_code == 200
