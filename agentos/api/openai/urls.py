"""The URLs of OpenAI's protocol, below ``/v1/``."""

from django.urls import URLPattern

from agentos.api.openai.app import api

PUBLIC = frozenset({"openapi-json", "api-root"})

urlpatterns, _, app_name = api.urls

for pattern in urlpatterns:
    if isinstance(pattern, URLPattern):
        # A program that forgot the slash is told so; a redirect would lose what it posted.
        pattern.callback.should_append_slash = False  # type: ignore[attr-defined]
        pattern.callback.guard = "public" if pattern.name in PUBLIC else "signed_in"  # type: ignore[attr-defined]
