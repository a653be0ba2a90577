"""The NinjaAPI: one router, one error shape, and the OpenAPI document."""

from functools import cache
from typing import Any

from django.http import HttpRequest
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from ninja import NinjaAPI
from ninja.openapi import get_schema
from ninja.openapi.schema import OpenAPISchema
from ninja.parser import Parser

from agentos.api.errors import add_error_handlers
from agentos.api.views import router
from agentos.core.strict_json import read_json

DESCRIPTION = """\
Chat with the agents of this AgentOS.

Sign in with a browser: its session cookie is the credential. A request that changes something is refused when another site
made the browser send it (the headers Origin and Sec-Fetch-Site decide), so no CSRF token is needed.

Every error is `{"success": false, "error": "...", "response": null}` with a fitting status. Two headers go with it:
`X-Error-Code` names the error for programs, and `X-Request-ID` finds it in the server's log.

| status | X-Error-Code |
|---|---|
| 400 | `invalid_json`, `bad_request` |
| 401 | `authentication_error` |
| 403 | `cross_origin`, `forbidden` |
| 404 | `agent_not_found`, `session_not_found`, `not_found` |
| 405 | `method_not_allowed` |
| 409 | `agent_closed`, `stopped`, `waiting_for_approval` |
| 413 | `too_large`: a body may have 1 MiB |
| 415 | `unsupported_media_type`: a body is `application/json` |
| 422 | `missing_fields`, `invalid_fields`, `key_reused` |
| 429 | `too_many_requests`, with Retry-After |
| 500 | `agentos_error` |
| 502 | why the agent's answer failed, for example `model_error`, `model_silent`, `run_timeout` |
| 503 | `agent_unavailable`, `model_unreachable`, `model_busy`, `interrupted`, `unavailable`, with Retry-After |
| 504 | `not_finished`: the answer will appear in its session |
"""


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
    return get_schema(api, path_prefix)


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
api.add_router("", router)
