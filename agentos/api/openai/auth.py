"""Who calls: the owner of the API token that the client sends as its key. There is no cookie here."""

from django.http import HttpRequest

from agentos.access.models import User
from agentos.api.auth import BearerToken
from agentos.core.errors import Problem


class Key(BearerToken):
    """An API token under the name that OpenAI's clients know. Nothing stands behind it: without one nobody passes."""

    def __call__(self, request: HttpRequest) -> User | None:
        try:
            return super().__call__(request)
        except Problem as problem:
            code = "invalid_api_key" if problem.status == 401 else problem.code  # noqa: PLR2004
            raise Problem(problem.status, problem.sentence, code=code, headers=problem.headers) from None


def secret_of(request: HttpRequest) -> str:
    """Return the token's text, to ask again later whether it still holds."""
    return request.headers["Authorization"][len("bearer") :].strip()
