"""What the people of a chaos run did and saw: the checker holds the database against it."""

import re
from dataclasses import dataclass, field


@dataclass
class Sent:
    """A message. ``acked``: the server answered 2xx, so it must be there, once; otherwise it may be there, once."""

    text: str
    chat: str
    acked: bool = False


@dataclass
class History:
    sent: dict[str, Sent] = field(default_factory=dict)
    seen: dict[str, list[str]] = field(default_factory=dict)  # message -> the most words of its answer that a tab has shown
    # run, or run and call where it asks several things -> what people may have said to the question: yes, no
    answers: dict[str, set[str]] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    back: list[float] = field(default_factory=list)  # seconds until a server served again, once its database was back

    def fault(self, name: str) -> None:
        self.faults[name] = self.faults.get(name, 0) + 1

    def error(self, what: str) -> None:
        self.errors[what] = self.errors.get(what, 0) + 1

    def saw(self, message: str, answer: str) -> None:
        words = words_of(answer)
        if len(words) > len(self.seen.get(message, [])):
            self.seen[message] = words


def asked(run_id: str, call_id: str = "") -> str:
    """Return what a question is kept under."""
    return f"{run_id} {call_id}".strip()


def words_of(text: str) -> list[str]:
    return re.findall(r"\w+", text)
