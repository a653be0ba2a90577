"""What a user's answers have cost in the last days, by day and by agent, whether anything is limited or not."""

from dataclasses import dataclass, field
from datetime import date, timedelta

from django.db.models import Count, F, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from agentos.access.models import ErasedUsage
from agentos.access.users import User
from agentos.chat.models import Run
from agentos.chat.quotas import counted, midnight
from agentos.core import clock

DAYS = 30  # with today


@dataclass(slots=True)
class Used:
    """``agent``: empty for chats that are erased by now, of which the agent is not known any more."""

    answers: int = 0
    tokens: int = 0
    day: date | None = None
    agent: str = ""

    def add(self, answers: int, tokens: int) -> None:
        self.answers += answers
        self.tokens += tokens


@dataclass(slots=True)
class Usage:
    """``days``: every one of the last ``DAYS``, the oldest first. ``agents``: those that were asked, the one with most answers first."""

    total: Used = field(default_factory=Used)
    days: list[Used] = field(default_factory=list)
    agents: list[Used] = field(default_factory=list)

    @property
    def days_with_answers(self) -> list[Used]:
        """The newest first."""
        return [day for day in reversed(self.days) if day.answers]


def usage_of(user: User) -> Usage:
    today = timezone.localdate(clock.now())
    first = today - timedelta(days=DAYS - 1)
    days = {day: Used(day=day) for day in (first + timedelta(days=number) for number in range(DAYS))}
    agents: dict[int, Used] = {}
    usage = Usage(days=list(days.values()))
    for day, agent, name, answers, tokens in _rows(user, first):
        for used in (usage.total, days.get(day), agents.setdefault(agent, Used(agent=name))):
            if used:
                used.add(answers, tokens)
    usage.agents = sorted(agents.values(), key=lambda used: (-used.answers, used.agent))
    return usage


def _rows(user: User, first: date) -> list[tuple[date, int, str, int, int]]:
    """Day, agent, its name, answers and tokens; what is erased is of agent 0."""
    runs = counted(Run.objects.filter(by=user, created_at__gte=midnight() - timedelta(days=DAYS - 1))).order_by()
    told = runs.annotate(day=TruncDate("created_at")).values_list("day", "session__agent", "session__agent__name")
    kept = told.annotate(answers=Count("pk"), tokens=Sum(F("input_tokens") + F("output_tokens")))
    erased = ErasedUsage.objects.filter(user=user, day__gte=first, runs__gt=0).values_list("day", "runs", "tokens")
    return [*kept, *((day, 0, "", answers, tokens) for day, answers, tokens in erased)]
