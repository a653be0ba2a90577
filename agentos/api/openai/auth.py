"""Who calls: the owner of the API token that the client sends as its key. There is no cookie here."""

from django.http import HttpRequest

from agentos.access.users import User
from agentos.api.auth import BearerToken
from agentos.chat.callers import Watch
from agentos.core.http.errors import Problem

INVALID_KEY = "invalid_api_key"


class Key(BearerToken):
    """An API token under the name that OpenAI's clients know. Nothing stands behind it: without one nobody passes."""

    def __call__(self, request: HttpRequest) -> User | None:
        try:
            return super().__call__(request)
        except Problem as problem:
            raise _of_key(problem) from None


class KeyWatch(Watch):
    """Asks whether the caller may still have the answer, and says so as OpenAI would."""

    async def look(self) -> None:
        try:
            await super().look()
        except Problem as problem:
            raise _of_key(problem) from None


def _of_key(problem: Problem) -> Problem:
    code = INVALID_KEY if problem.status == 401 else problem.code  # noqa: PLR2004
    return Problem(problem.status, problem.sentence, code=code, headers=problem.headers)
