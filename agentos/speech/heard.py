"""What came of listening."""

from dataclasses import dataclass

from agentos.core.http.errors import Problem


@dataclass(frozen=True, slots=True)
class Heard:
    """``language``: its code, empty where nobody says it. ``seconds``: of sound, where they were counted."""

    text: str
    language: str = ""
    seconds: float | None = None


class NotHeard(Problem):
    """A recording cannot be written down. Its sentence is for people."""

    status = 503
    code = "not_written_down"

    def __init__(self, sentence: str, status: int = 503) -> None:
        super().__init__(status, sentence)
