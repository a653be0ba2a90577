"""The settings pages that say what was used: one's own with one's limits, a team's, and the whole site's. Each comes as CSV, too."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from io import StringIO
from types import MappingProxyType
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.dateformat import format as date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from agentos.access import queries, team_queries
from agentos.access.adapters import access
from agentos.access.guards import operator_only, signed_in
from agentos.agents import prices
from agentos.chat import budgets
from agentos.chat import usage as used
from agentos.chat.counting import NUMBERS
from agentos.chat.quotas import meters
from agentos.core import people
from agentos.core.http.request import SignedInRequest
from agentos.dashboard.charts import HEIGHT, WIDTH, bars

COLUMNS = ("day", "person", "address", "agent", "team", "model", *NUMBERS)
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would work out
SHARE = 100  # the width of the bar of what was used most


@dataclass(frozen=True, slots=True)
class Figure:
    """What the bars show."""

    label: Any
    column: str


FIGURES: Mapping[str, Figure] = MappingProxyType(
    {
        "answers": Figure(gettext_lazy("Answers"), "answers"),
        "tokens": Figure(gettext_lazy("Tokens"), "tokens"),
        "cost": Figure(gettext_lazy("Cost"), "cost_micro"),
    }
)


@signed_in
@require_safe
def usage(request: SignedInRequest) -> HttpResponse:
    limits: dict[str, Any] = {"meters": meters(request.user), "plan": access().allowance(request.user).plan, "is_own": True}
    limits["budgets"] = budgets.of_person(request.user)
    return _answer(request, used.of_person(request.user), with_people=False, **limits)


@require_safe
@operator_only
def all_usage(request: SignedInRequest) -> HttpResponse:
    return _answer(request, used.of_all(), with_people=True, is_all=True, budgets=budgets.of_site())


@signed_in
@require_safe
def team_usage(request: SignedInRequest, team_id: int) -> HttpResponse:
    seen = team_queries.seen_by(request.user, team_id)
    if seen is None:
        raise Http404
    if not seen.manages:
        raise PermissionDenied
    return _answer(request, used.of_team(seen.team), with_people=True, team=seen.team, budgets=budgets.of_team(seen.team))


def _answer(request: SignedInRequest, whose: Q, *, with_people: bool, **context: object) -> HttpResponse:
    period = used.PERIODS.get(request.GET.get("period", "30"))
    if period is None or request.GET.get("show", "") not in {"", *FIGURES}:
        raise Http404
    if request.GET.get("form") == "csv":
        return _file(whose, period)
    found = used.report(whose, period, with_people=with_people)
    show = request.GET.get("show") or ("cost" if found.total.cost_micro else "answers")
    about = {
        "tab": "usage",
        "report": found,
        "period": period.key,
        "choices": _choices(request, period, show),
        "chart": _chart(found, FIGURES[show].column),
        "tables": _tables(found, FIGURES[show].column),
        "sees_all": people.is_operator(request.user),
    }
    return render(request, "agentos/usage.html", {**about, **context})


def _choices(request: SignedInRequest, period: used.Period, show: str) -> dict[str, list[tuple[Any, str, bool]]]:
    """What the page may show instead: each with its label, its address and whether it is shown."""
    pages = [(_("Yours"), reverse("dashboard:usage"))]
    pages += [(str(team), reverse("dashboard:team-usage", args=[team.pk])) for team in queries.managed_teams(request.user)]
    if people.is_operator(request.user):
        pages.append((_("Everybody's"), reverse("dashboard:all-usage")))
    given = f"&show={request.GET['show']}" if request.GET.get("show") else ""
    return {
        "whose": [(name, f"{url}?period={period.key}{given}", url == request.path) for name, url in pages],
        "period": [(each.label, f"?period={each.key}{given}", each == period) for each in used.PERIODS.values()],
        "show": [(each.label, f"?period={period.key}&show={key}", key == show) for key, each in FIGURES.items()],
    }


def _chart(found: used.Report, column: str) -> dict[str, object]:
    numbers = [getattr(each, column) for each in found.times]
    return {"bars": bars(numbers, [label(each, found.period) for each in found.times]), "width": WIDTH, "height": HEIGHT}


def label(each: used.Used, period: used.Period) -> str:
    """What a bar says when somebody points at it."""
    when = date_format(each.key, "j M" if period.days else "F Y")
    values = {"day": when, "answers": f"{each.answers:,}", "tokens": f"{each.tokens:,}", "cost": each.cost}
    if each.cost_micro:
        return _("%(day)s: %(answers)s answers, %(tokens)s tokens, %(cost)s") % values
    return _("%(day)s: %(answers)s answers, %(tokens)s tokens") % values


def _tables(found: used.Report, column: str) -> list[dict[str, object]]:
    """Each with its rows, and how long the bar of each row is."""
    tables = (
        ("agents", _("By agent"), _("Agent"), _("Deleted agents"), found.agents),
        ("models", _("By model"), _("Model"), _("Not known"), found.models),
        ("people", _("By person"), _("Person"), _("People who are gone"), found.people),
    )
    return [
        {
            "id": key,
            "caption": caption,
            "head": head,
            "nobody": nobody,
            "more": found.more.get(key, 0),
            "rows": [(each, _share(getattr(each, column), max(getattr(other, column) for other in rows))) for each in rows],
        }
        for key, caption, head, nobody, rows in tables
        if rows
    ]


def _share(number: int, most: int) -> int:
    return max(1, number * SHARE // most) if number else 0


def _file(whose: Q, period: used.Period) -> HttpResponse:
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow((*COLUMNS[:-2], "cost_usd", COLUMNS[-1]))
    for day, *words_and_numbers in used.lines(whose, period):
        *words, model = words_and_numbers[:5]
        *numbers, cost, unpriced = words_and_numbers[5:]
        writer.writerow((day.isoformat(), *map(_harmless, words), _harmless(model), *numbers, f"{cost / prices.MICRO:.6f}", unpriced))
    headers = {"Content-Disposition": f'attachment; filename="usage-{period.key}.csv"'}
    return HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8", status=HTTPStatus.OK, headers=headers)


def _harmless(word: str) -> str:
    """A word that no spreadsheet takes for a formula."""
    return f"'{word}" if word.startswith(FORMULA) else word
