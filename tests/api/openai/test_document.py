"""The OpenAPI document of ``/v1/``, and the server held to it by generated calls."""

import json
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from agentos.api.openai.app import api
from tests.api.openai.server import Server

DOCUMENT: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema()))
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = {operation.label: operation for operation in (found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok))}
GENERATED = settings(max_examples=15, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))


class TestDocument:
    def test_declares_every_endpoint_with_its_errors(self) -> None:
        assert set(OPERATIONS) == {
            "GET /v1/models",
            "GET /v1/models/{agent_id}",
            "POST /v1/chat/completions",
            "POST /v1/responses",
            "GET /v1/responses/{response_id}",
            "DELETE /v1/responses/{response_id}",
            "POST /v1/responses/{response_id}/cancel",
            "GET /v1/responses/{response_id}/input_items",
        }
        for methods in DOCUMENT["paths"].values():
            for operation in methods.values():
                assert list(operation["security"][0]) == ["Key"]
                for status, answer in operation["responses"].items():
                    schema = answer["content"]["application/json"]["schema"]
                    assert (schema["$ref"] == "#/components/schemas/Refused") is (int(status) >= 400)
        chat = DOCUMENT["paths"]["/v1/chat/completions"]["post"]
        assert set(chat["responses"]["200"]["content"]) == {"application/json", "text/event-stream"}

    @pytest.mark.server
    def test_is_for_everybody(self, server: Server) -> None:
        answer = httpx.get(f"{server.url}/openapi.json")
        assert answer.json() == DOCUMENT


@pytest.mark.server
class TestOperations:
    @pytest.mark.parametrize("mode", list(GenerationMode))
    @pytest.mark.parametrize("label", sorted(OPERATIONS))
    def test_keep_to_the_document(self, server: Server, label: str, mode: GenerationMode) -> None:
        """What is well-formed may still be refused: a conversation that does not end with a user's message."""
        who = {"Authorization": f"Bearer {server.tokens['ada']}"}
        excluded = [ignored_auth, positive_data_acceptance]

        @GENERATED
        @given(case=OPERATIONS[label].as_strategy(mode))
        def hold(case: schemathesis.Case) -> None:
            case.call_and_validate(base_url=server.url.removesuffix("/v1"), headers=who, excluded_checks=excluded)

        hold()

    @pytest.mark.parametrize("stream", [False, True])
    @pytest.mark.parametrize(("label", "schema"), [("POST /v1/chat/completions", "CompletionIn"), ("POST /v1/responses", "ResponseIn")])
    def test_accept_the_documents_example(self, server: Server, label: str, schema: str, stream: bool) -> None:
        (example,) = DOCUMENT["components"]["schemas"][schema]["examples"]
        case = OPERATIONS[label].Case(body={**example, "model": "echo", "stream": stream}, media_type="application/json")
        who = {"Authorization": f"Bearer {server.tokens['ada']}"}
        answer = case.call_and_validate(base_url=server.url.removesuffix("/v1"), headers=who, excluded_checks=[ignored_auth])
        assert answer.status_code == 200
