"""The URLs of the JSON face, named as in the spec: ``api:agentos_send_message``."""

from django.urls import URLPattern, path

from agentos.api.app import api
from agentos.api.docs import docs
from agentos.api.integrations import integrations

PUBLIC = frozenset({"openapi-json", "api-root", "docs", "integrations"})

operations, _, app_name = api.urls
urlpatterns = [*operations, path("docs/", docs, name="docs"), path("docs/integrations/", integrations, name="integrations")]

for pattern in urlpatterns:
    if isinstance(pattern, URLPattern):
        # A program that forgot the slash is told so; a redirect would lose what it posted.
        pattern.callback.should_append_slash = False  # type: ignore[attr-defined]
        pattern.callback.guard = "public" if pattern.name in PUBLIC else "signed_in"  # type: ignore[attr-defined]
