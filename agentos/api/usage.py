"""What was used and what it cost: the figures of the settings pages."""

from datetime import date
from typing import Annotated, Literal

from ninja import Path, Query
from pydantic import BaseModel

from agentos.access import team_queries
from agentos.api.auth import ApiRequest
from agentos.api.errors import FIND, READ
from agentos.api.schemas import AGENT, example
from agentos.api.scopes import ScopedRouter
from agentos.api.webhook_resources import TEAM
from agentos.chat import usage as used
from agentos.chat.counting import NUMBERS as COUNTED
from agentos.core.http.errors import Problem
from agentos.core.people import is_operator

router = ScopedRouter(tags=["Usage"])

NUMBERS = {
    "answers": 12,
    "input_tokens": 24_000,
    "output_tokens": 3_600,
    "cached_tokens": 8_000,
    "reasoning_tokens": 900,
    "cost_micro": 56_000,
    "unpriced": 0,
}
OF_AGENT = {"id": "7", "name": AGENT["name"], **NUMBERS}
USAGE = {
    "period": "30",
    "currency": "USD",
    "total": NUMBERS,
    "times": [{"day": "2024-01-01", **NUMBERS}],
    "agents": [OF_AGENT],
    "models": [{"id": AGENT["model"], "name": AGENT["model"], **NUMBERS}],
    "people": [],
}

Period = Annotated[
    Literal["30", "90", "year"], Query("30", description="The last 30 or 90 days, each by itself, or the last twelve months.")
]
TeamId = Annotated[int, Path(..., example=TEAM["id"], ge=1, le=2**63 - 1)]


class Numbers(BaseModel):
    """``cached_tokens`` are counted in ``input_tokens``, ``reasoning_tokens`` in ``output_tokens``. ``cost_micro``: millionths of a dollar.
    ``unpriced``: how often a model was asked at a price that is not known, which is not in that."""

    model_config = example(NUMBERS)

    answers: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    cost_micro: int
    unpriced: int


class OfTime(Numbers):
    """Of one day, or of the month that begins with it."""

    model_config = example({"day": "2024-01-01", **NUMBERS})

    day: date


class OfOne(Numbers):
    """Of one agent, model or person. ``id`` is null and ``name`` empty for those that are gone."""

    model_config = example(OF_AGENT)

    id: str | None
    name: str


class UsageOfPeriod(BaseModel):
    """``times`` has every day or month, the oldest first; the others what cost most first, at most fifty of each. ``people`` is empty for
    one's own."""

    model_config = example(USAGE)

    period: Literal["30", "90", "year"]
    currency: Literal["USD"]
    total: Numbers
    times: list[OfTime]
    agents: list[OfOne]
    models: list[OfOne]
    people: list[OfOne]


@router.get("/usage/", url_name="usage", operation_id="usage", response={200: UsageOfPeriod, **READ}, summary="What I have used")
def usage(request: ApiRequest, period: Period = "30") -> UsageOfPeriod:
    return _json(used.report(used.of_person(request.auth), used.PERIODS[period], with_people=False))


@router.get(
    "/usage/all/", url_name="all_usage", operation_id="all_usage", response={200: UsageOfPeriod, **READ}, summary="What everybody has used"
)
def all_usage(request: ApiRequest, period: Period = "30") -> UsageOfPeriod:
    """For operators."""
    if not is_operator(request.auth):
        raise Problem(403)
    return _json(used.report(used.of_all(), used.PERIODS[period], with_people=True))


@router.get(
    "/usage/teams/{team_id}/",
    url_name="team_usage",
    operation_id="team_usage",
    response={200: UsageOfPeriod, **FIND},
    summary="What was asked of a team's agents",
)
def team_usage(request: ApiRequest, team_id: TeamId, period: Period = "30") -> UsageOfPeriod:
    """By whomever. For the team's owners and admins, and operators."""
    seen = team_queries.seen_by(request.auth, team_id)
    if seen is None:
        raise Problem(404, "There is no such team.", code="team_not_found")
    if not seen.manages:
        raise Problem(403)
    return _json(used.report(used.of_team(seen.team), used.PERIODS[period], with_people=True))


def _json(found: used.Report) -> UsageOfPeriod:
    return UsageOfPeriod(
        period=found.period.key,  # type: ignore[arg-type]
        currency="USD",
        total=Numbers(**_numbers(found.total)),
        times=[OfTime(day=each.key, **_numbers(each)) for each in found.times],
        agents=[_of_one(each) for each in found.agents],
        models=[_of_one(each) for each in found.models],
        people=[_of_one(each) for each in found.people],
    )


def _of_one(each: used.Used) -> OfOne:
    return OfOne(id=None if each.key is None else str(each.key), name=each.name, **_numbers(each))


def _numbers(each: used.Used) -> dict[str, int]:
    return {name: getattr(each, name) for name in COUNTED}
