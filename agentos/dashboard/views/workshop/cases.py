"""The tests of an agent: the list with how they went, making and changing one, running all, and how one went."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agentos.access.guards import signed_in
from agentos.agents import actions, case_queries, queries
from agentos.agents.cases import CALLS, CASES, InvalidCase
from agentos.agents.models import AgentCase, AgentVersion, CaseResult, DjangoAgent
from agentos.agents.tools import described, label_of
from agentos.chat.models import Run
from agentos.chat.queries import run_for
from agentos.chat.rounds import actions as rounds
from agentos.chat.rounds import keeping
from agentos.core.http.errors import Problem
from agentos.core.http.htmx import go_to, respond
from agentos.core.http.request import SignedInRequest
from agentos.core.rendering import markdown
from agentos.core.text import clean, whole_number
from agentos.dashboard.layout import frame
from agentos.dashboard.views.workshop.found import agent_to_edit

LINES = ("must_say", "must_not_say")
DRAFT = "draft"


@signed_in
@require_safe
def tests(request: SignedInRequest, agent_id: str) -> HttpResponse:
    """The page; to htmx, which asks again while they are run, what changes meanwhile."""
    agent = agent_to_edit(request, agent_id)
    partial = "workshop/_tests.html"
    return respond(request, page="agentos/workshop/tests.html", partial=partial, context=_shown(request, agent))


def _shown(request: SignedInRequest, agent: DjangoAgent) -> dict[str, Any]:
    last = case_queries.last_round(agent)
    outcomes = list(case_queries.results_of(last).values_list("outcome", flat=True)) if last else []
    table = case_queries.table(agent)
    return {
        **frame(request, here="agents"),
        "agent": agent,
        "tab": "tests",
        "table": table,
        "is_full": len(table.rows) >= CASES,
        "round": last,
        "done": sum(outcome in case_queries.ENDED for outcome in outcomes),
        "passed": outcomes.count(CaseResult.Outcome.PASSED),
        "total": len(outcomes),
        "to_test": [column.number for column in table.columns],
    }


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: SignedInRequest, agent_id: str) -> HttpResponse:
    """Empty, or of an answer that is kept as a test."""
    agent = agent_to_edit(request, agent_id)
    run = _kept_run(request, agent)
    case = AgentCase(agent=agent, **(keeping.case_of(run) if run else {}))
    about: dict[str, Any] = {"kept_run": run.run_id} if run else {}
    if request.method != "POST":
        return _form(request, agent, case, **about)
    try:
        actions.create_case(agent=agent, given=_posted(request), kept_answer=case.kept_answer, by=request.user)
    except Problem as problem:
        return _form(request, agent, case, problem, **about)
    return _saved(request, agent)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def test(request: SignedInRequest, agent_id: str, test_id: int) -> HttpResponse:
    """A test, to be changed."""
    agent = agent_to_edit(request, agent_id)
    case = _case(agent, test_id)
    if request.method != "POST":
        return _form(request, agent, case)
    try:
        actions.change_case(case=case, given=_posted(request), by=request.user)
    except Problem as problem:
        return _form(request, agent, case, problem)
    return _saved(request, agent)


@signed_in
@require_POST
def delete(request: SignedInRequest, agent_id: str, test_id: int) -> HttpResponse:
    agent = agent_to_edit(request, agent_id)
    actions.delete_case(case=_case(agent, test_id), by=request.user)
    messages.success(request, _("The test is deleted."))
    return _to_tests(request, agent)


@signed_in
@require_POST
def run(request: SignedInRequest, agent_id: str) -> HttpResponse:
    """Run all, by the draft or by a version."""
    agent = agent_to_edit(request, agent_id)
    chosen = request.POST.get("version", DRAFT)
    try:
        rounds.start_round(agent=agent, version=whole_number(chosen), by=request.user)
    except AgentVersion.DoesNotExist:
        messages.error(request, _("There is no such version."))
    except Problem as problem:
        messages.error(request, problem.sentence)
    return _to_tests(request, agent)


@signed_in
@require_POST
def stop(request: SignedInRequest, agent_id: str) -> HttpResponse:
    agent = agent_to_edit(request, agent_id)
    last = case_queries.last_round(agent)
    if last:
        rounds.stop_round(found=last, by=request.user)
    return _to_tests(request, agent)


@signed_in
@require_safe
def result(request: SignedInRequest, agent_id: str, result_id: int) -> HttpResponse:
    """How one test went, with the answer."""
    agent = agent_to_edit(request, agent_id)
    found = case_queries.result_of(agent, result_id)
    if found is None:
        raise Http404
    context = {
        "agent": agent,
        "tab": "tests",
        "result": found,
        "case": found.case,
        "is_old": found.revision != found.case.revision,
        "answer": markdown.render_cached(found.answer) if found.answer else "",
        "findings": [{**each, "wanted": _named(each) if each["kind"] == CALLS else each["wanted"]} for each in found.findings],
        "called": [label_of(name) for name in found.tools if name not in found.refused],
        "refused": [label_of(name) for name in dict.fromkeys(found.refused)],
    }
    return render(request, "agentos/workshop/test_result.html", {**frame(request, here="agents"), **context})


def _named(finding: dict[str, Any]) -> str:
    known = described([finding["wanted"]])
    return known[0].label if known else label_of(finding["wanted"])


def _posted(request: SignedInRequest) -> dict[str, Any]:
    return {
        "message": request.POST.get("message", ""),
        **{name: clean(request.POST.get(name, "")).splitlines() for name in LINES},
        "tools": request.POST.getlist("tools"),
        "criterion": request.POST.get("criterion", ""),
    }


def _form(request: SignedInRequest, agent: DjangoAgent, case: AgentCase, problem: Problem | None = None, **more: Any) -> HttpResponse:
    """The form of a test: as it is, or as it was typed."""
    given = _posted(request) if problem else {name: getattr(case, name) for name in ("message", *LINES, "tools", "criterion")}
    errors = problem.errors if isinstance(problem, InvalidCase) else {"all": problem.sentence} if problem else {}
    context = {
        "agent": agent,
        "tab": "tests",
        "case": case,
        "values": {**given, **{name: "\n".join(given[name]) for name in LINES}},
        "errors": errors,
        "tools": _tools(agent, given["tools"]),
        "kept_answer": markdown.render_cached(case.kept_answer) if case.kept_answer else "",
        **more,
    }
    status = problem.status if problem else HTTPStatus.OK
    return render(request, "agentos/workshop/test.html", {**frame(request, here="agents"), **context}, status=status)


def _tools(agent: DjangoAgent, chosen: list[str]) -> list[tuple[str, str, bool]]:
    """Return what may be expected to be called: the tools of the agent as it is worked on, and what is expected already."""
    own = described(queries.worked_on(agent, queries.draft_of(agent))["tools"])
    slugs = {tool.slug for tool in own}
    others = [(name, label_of(name), True) for name in chosen if name not in slugs]
    return [*((tool.slug, tool.label, tool.slug in chosen) for tool in own), *others]


def _case(agent: DjangoAgent, test_id: int) -> AgentCase:
    found = case_queries.cases_of(agent).filter(pk=test_id).first()
    if found is None:
        raise Http404
    return found


def _kept_run(request: SignedInRequest, agent: DjangoAgent) -> Run | None:
    """The answer that is to be kept: one of one's own chats with this agent. None: none is asked for."""
    asked = (request.POST if request.method == "POST" else request.GET).get("run", "")
    if not asked:
        return None
    run = run_for(request.user, asked)
    if run is None or run.session.agent_id != agent.pk:
        raise Http404
    return run


def _saved(request: SignedInRequest, agent: DjangoAgent) -> HttpResponse:
    messages.success(request, _("The test is saved."))
    return _to_tests(request, agent)


def _to_tests(request: SignedInRequest, agent: DjangoAgent) -> HttpResponse:
    return go_to(request, reverse("dashboard:agent-tests", args=[agent.agent_id]))
