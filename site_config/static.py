"""Static files beside Django, not through it: WhiteNoise speaks WSGI, and as a middleware it would put every stream on a thread."""

from collections.abc import Callable, Iterable
from typing import Any

from asgiref.wsgi import WsgiToAsgi
from django.conf import settings
from whitenoise import WhiteNoise

HASHED = r"^.+\.[0-9a-f]{12}\..+$"


def static_application() -> Any:
    """Serve what ``collectstatic`` collected: hashed names for ever, others for a minute, compressed where the browser can."""
    return WsgiToAsgi(WhiteNoise(_not_found, root=settings.STATIC_ROOT, prefix="/static/", max_age=60, immutable_file_test=HASHED))


def _not_found(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("404 Not Found", [("Content-Type", "text/plain")])
    return [b"There is no such file."]
