"""Who calls: the owner of an API token, or a browser's session cookie as long as no other site made the browser call."""

from django.conf import settings
from django.http import HttpRequest
from ninja.security.base import AuthBase

from agentos.access import tokens
from agentos.access.bearer import shows_token, token_shown_by
from agentos.access.models import ApiToken
from agentos.access.sign_ins import hold_of
from agentos.access.users import User
from agentos.chat.callers import Caller
from agentos.core.http.errors import Problem
from agentos.core.http.origin import may_use_cookie


class ApiRequest(HttpRequest):
    """A request that an authentication has let pass. ``api_token`` is there when a token did."""

    auth: User
    api_token: ApiToken | None = None


class BearerToken(AuthBase):
    """``Authorization: Bearer <token>``. Stands before the cookie: who shows a token is that token's owner or nobody."""

    openapi_type = "http"
    openapi_scheme = "bearer"
    openapi_bearerFormat = "agentos_..."  # noqa: N815 - as OpenAPI writes it
    openapi_description = (
        "An API token, made on the page Settings, API tokens. It acts as its owner, within its scopes:\n\n"
        + "\n".join(f"- `{scope}`: {what}" for scope, what in tokens.SCOPES.items())
        + "\n\nEach operation names the scope that it needs. With a token a cookie is ignored."
    )

    def __init__(self, scope: str) -> None:
        super().__init__()
        self.scope = scope

    def __call__(self, request: HttpRequest) -> User | None:
        if not shows_token(request):
            return None
        token = token_shown_by(request)
        request.api_token = token  # type: ignore[attr-defined]
        request.user = token.user
        if self.scope:
            need_scope(request, self.scope)
        return token.user


class SessionCookie(AuthBase):
    """The cookie of the sign-in page. Has every scope."""

    openapi_type = "apiKey"
    openapi_in = "cookie"
    openapi_name = settings.SESSION_COOKIE_NAME
    openapi_description = "The session of somebody who has signed in with a browser. Requests from other sites are refused."

    def __call__(self, request: HttpRequest) -> User | None:
        if shows_token(request) or not request.user.is_authenticated:
            return None
        if not may_use_cookie(request):
            raise Problem(403, "This request came from another site.", code="cross_origin")
        return request.user


def token_of(request: HttpRequest) -> ApiToken | None:
    """The token that opened this request; None for a cookie."""
    return getattr(request, "api_token", None)


def caller_of(request: HttpRequest, user: User, agent_pk: int | None) -> Caller:
    """Return who waits for an answer of this agent, to be asked for while they do."""
    token = token_of(request)
    session_key = "" if token else request.session.session_key or ""
    return Caller(user.pk, hold_of(user), session_key, token.pk if token else None, agent_pk)


def need_scope(request: HttpRequest, scope: str) -> None:
    """Refuse a token that does not have this scope. Raises ``Problem`` 403."""
    token = token_of(request)
    if token and not token.allows(scope):
        raise Problem(
            403,
            f"This API token does not have the scope {scope}.",
            code="insufficient_scope",
            headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'},
        )
