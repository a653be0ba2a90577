"""The URLs of the JSON face, named as in the spec: ``api:agentos_send_message``."""

from django.urls import URLPattern

from agentos.api.app import api

PUBLIC = frozenset({"openapi-json", "api-root"})

urlpatterns, _, app_name = api.urls

for pattern in urlpatterns:
    if isinstance(pattern, URLPattern):
        # A program that forgot the slash is told so; a redirect would lose what it posted.
        pattern.callback.should_append_slash = False  # type: ignore[attr-defined]
        pattern.callback.guard = "public" if pattern.name in PUBLIC else "signed_in"  # type: ignore[attr-defined]
