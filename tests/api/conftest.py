"""Callers of the JSON API: programs with a token, and the objects that the document's examples name."""

from collections.abc import Callable

import pytest
from django.test import Client

from agentos.access.actions import create_token
from agentos.access.models import User
from agentos.access.tokens import SCOPES


@pytest.fixture
def secret(owner: User) -> str:
    """The text of a token of the owner's, with all scopes."""
    return create_token(by=owner, name="All", scopes=SCOPES)[1]


@pytest.fixture
def with_scopes(owner: User) -> Callable[..., Client]:
    """Return a program of the owner's whose token has these scopes only."""

    def program(*scopes: str) -> Client:
        return bearer(create_token(by=owner, name="Some", scopes=scopes)[1])

    return program


def bearer(secret: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {secret}"})
