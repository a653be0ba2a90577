"""The NinjaAPI: one router, one error shape, and the OpenAPI document."""

from functools import cache
from typing import Any

from django.http import HttpRequest
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.parser import Parser

from agentos.api import (
    access_requests,
    agent_tests,
    agents,
    connections,
    events,
    files,
    imports,
    knowledge,
    memories,
    model_cards,
    runs,
    sessions,
    skills,
    teams,
    usage,
    views,
    webhooks,
    workshop,
    workshop_sharing,
    workshop_versions,
)
from agentos.api.document import DESCRIPTION, document_of
from agentos.api.errors import add_error_handlers
from agentos.core.http.strict_json import read_json


class StrictParser(Parser):
    def parse_body(self, request: HttpRequest) -> Any:
        return read_json(request)


def public_document(view: Any) -> Any:
    """For the OpenAPI document, which is the same for everybody: read only, and nothing to forge."""
    return csrf_exempt(require_safe(view))


class SpecAPI(NinjaAPI):
    """The document takes some 50 ms to make and is the same for everybody, so it is made once."""

    def get_openapi_schema(self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None) -> OpenAPISchema:
        return document(self, self.get_root_path(path_params or {}) if path_prefix is None else path_prefix)


@cache
def document(api: NinjaAPI, path_prefix: str) -> OpenAPISchema:
    return document_of(api, path_prefix)


api = SpecAPI(
    title="AgentOS for Django",
    version="1",
    description=DESCRIPTION,
    urls_namespace="api",
    # Ninja's documentation pages load from a CDN and need inline scripts.
    docs_url=None,
    docs_decorator=public_document,
    parser=StrictParser(),
)
add_error_handlers(api)
making = (workshop, workshop_versions, workshop_sharing, agent_tests, skills, model_cards)
talking = (sessions, imports, runs, events, files)
for room in (views, agents, access_requests, *talking, *making, webhooks, connections, memories, knowledge, teams, usage):
    api.add_router("", room.router)
