"""The NinjaAPI of OpenAI's protocol, with an OpenAPI document of its own at ``/v1/openapi.json``."""

from ninja import NinjaAPI

from agentos.api.app import StrictParser, public_document
from agentos.api.openai.errors import add_error_handlers
from agentos.api.openai.responses.views import router as responses
from agentos.api.openai.views import router

DESCRIPTION = """\
The agents of this AgentOS for programs that speak OpenAI's protocol: `base_url` is this address, the API key is an API token.

Every error is `{"error": {"message", "type", "param", "code"}}`.
"""

api = NinjaAPI(
    title="AgentOS for OpenAI clients",
    version="1",
    description=DESCRIPTION,
    urls_namespace="openai",
    docs_url=None,  # ninja's documentation pages load from a CDN and need inline scripts
    docs_decorator=public_document,
    parser=StrictParser(),
)
add_error_handlers(api)
api.add_router("", router)
api.add_router("", responses)
