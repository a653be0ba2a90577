"""Counts what models were asked, by day and by month: one row a person, agent and model.

Whoever ends an answer counts it in the same transaction (chat/runs/ending.py), which happens exactly once. So nothing is lost or counted
twice, whatever crashes, and no job has to catch up. Two answers of one person by one agent wait for each other's row for as long as such
a transaction takes; nobody else does.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Self

from django.db import connection
from django.utils import timezone

from agentos.agents import own_prices, prices
from agentos.agents.models import DjangoAgent
from agentos.chat.models import Run
from agentos.chat.usage_models import MonthlyUsage, Usage
from agentos.core import clock
from agentos.core.db.prepared import Query


@dataclass(frozen=True, slots=True)
class Asked:
    """One request to a model. ``cost``: None where nobody here knows it."""

    model: str
    read: int = 0
    written: int = 0
    cached: int = 0
    reasoning: int = 0
    cost: prices.Cost | None = None

    @classmethod
    def of(cls, line: Mapping[str, Any], model: str, at: datetime) -> Self:
        """Of a line of the journal, or the data of a ``Usage`` event. ``model``: the one that was asked where the line names none."""
        asked = line.get("model") or model
        used = prices.Used(
            read=line["input_tokens"],
            written=line["output_tokens"],
            cached=line.get("cached", 0),
            cached_anew=line.get("cached_anew", 0),
            told=Decimal(line["told"]) if line.get("told") else None,
        )
        return cls(asked, used.read, used.written, used.cached, line.get("reasoning", 0), own_prices.cost_of(asked, used, at))


@dataclass(slots=True)
class _Numbers:
    answers: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cost_micro: int = 0
    unpriced: int = 0

    def add(self, asked: Asked) -> None:
        self.input_tokens += asked.read
        self.output_tokens += asked.written
        self.cached_tokens += asked.cached
        self.reasoning_tokens += asked.reasoning
        if asked.cost is None:
            self.unpriced += 1
        else:
            self.cost_micro += asked.cost.micro


NUMBERS = tuple(field.name for field in fields(_Numbers))


def count_answer(*, run: Run, agent_pk: int, asked: Iterable[Asked], is_unpriced: bool = False) -> None:
    """Count a run that has begun and is over, in the transaction that ends it, as of the day on which it was sent. ``is_unpriced``: it was
    answered, and nobody knows how many tokens that took."""
    rows = _by_model(asked)
    own = rows.setdefault(run.model, _Numbers())
    own.answers += 1
    own.unpriced += is_unpriced
    _add(run.by_id, agent_pk, run.created_at, rows)


def count_requests(*, user_pk: int, agent_pk: int, model: str, lines: Sequence[Mapping[str, Any]]) -> int:
    """Count what a model was asked just now in a person's stead, which is no answer: the data of ``Usage`` events. Returns the tokens."""
    now = clock.now()
    asked = [Asked.of(line, model, now) for line in lines]
    _add(user_pk, agent_pk, now, _by_model(asked))
    return sum(request.read + request.written for request in asked)


def _by_model(asked: Iterable[Asked]) -> dict[str, _Numbers]:
    rows: dict[str, _Numbers] = {}
    for request in asked:
        rows.setdefault(request.model, _Numbers()).add(request)
    return rows


def _add(user_pk: int, agent_pk: int, at: datetime, rows: dict[str, _Numbers]) -> None:
    """Always in one order, so that two of these never wait for each other."""
    day = timezone.localdate(at)
    team = _TEAM_OF.value(agent_pk)
    with connection.cursor() as cursor:
        for sql, first in ((_SQL[Usage], day), (_SQL[MonthlyUsage], day.replace(day=1))):
            for model in sorted(rows):
                numbers = [getattr(rows[model], name) for name in NUMBERS]
                cursor.execute(sql, [_stored(first), user_pk, agent_pk, team, model, *numbers])


def _stored(day: date) -> Any:
    return connection.ops.adapt_datefield_value(day)


def _statement(table: type[Usage | MonthlyUsage]) -> str:
    columns = ("day", "user_id", "agent_id", "team_id", "model", *NUMBERS)
    sums = ", ".join(f"{name} = known.{name} + excluded.{name}" for name in NUMBERS)
    return f"""
        INSERT INTO {table._meta.db_table} AS known ({", ".join(columns)}) VALUES ({", ".join("%s" for _ in columns)})
        ON CONFLICT (user_id, day, agent_id, model) DO UPDATE SET {sums}
    """  # noqa: S608, SLF001 - Django's bulk_create can replace what is there, and not add to it


_SQL = {table: _statement(table) for table in (Usage, MonthlyUsage)}
_TEAM_OF: Query[Any] = Query(lambda agent: DjangoAgent.objects.filter(pk=agent).values_list("team"), int)
