"""Who calls: the browser's session cookie, as long as no other site made the browser call."""

from django.conf import settings
from django.http import HttpRequest
from ninja.security.base import AuthBase

from agentos.access.models import User
from agentos.core.errors import Problem
from agentos.core.origin import may_use_cookie


class ApiRequest(HttpRequest):
    """A request that an authentication has let pass."""

    auth: User


class SessionCookie(AuthBase):
    """The cookie of the sign-in page.

    A bearer token makes the cookie ignored: a caller who shows a token is that token's owner or nobody. An authentication by
    token stands before this one in the router's list.
    """

    openapi_type = "apiKey"
    openapi_in = "cookie"
    openapi_name = settings.SESSION_COOKIE_NAME
    openapi_description = "The session of somebody who has signed in with a browser. Requests from other sites are refused."

    def __call__(self, request: HttpRequest) -> User | None:
        if request.headers.get("Authorization", "").lower().startswith("bearer") or not request.user.is_authenticated:
            return None
        if not may_use_cookie(request):
            raise Problem(403, "This request came from another site.", code="cross_origin")
        return request.user
