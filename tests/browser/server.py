"""A server with people who are signed in already."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import server
from tests.server import GRACE_SECONDS, ROOT

# There is a page of plans; nobody pays in these tests (tests/billing), and nothing answers there.
NO_STRIPE = {"AGENTOS_STRIPE_KEY": "sk_test_of_nobody", "AGENTOS_STRIPE_URL": "http://127.0.0.1:9"}

__all__ = ["GRACE_SECONDS", "ROOT", "Person", "Server"]


@dataclass(frozen=True, slots=True)
class Person:
    email: str
    login: str
    chat: str = ""


class Server(server.Server):
    def __init__(self, data: Path) -> None:
        super().__init__(data, AGENTOS_ALLOW_PRIVATE_HOSTS="127.0.0.1", **NO_STRIPE)
        seeded = self.seed()
        self.people = [Person(**person) for person in seeded["people"]]
        self.reader = Person(**seeded["reader"])

    @property
    def url(self) -> str:
        return self.origin

    def seed(self, *words: str) -> Any:
        return self.run_module("tests.browser.seed", *words)

    def take(self) -> Person:
        """Somebody whom no other test has met."""
        return self.people.pop()
