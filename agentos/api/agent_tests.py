"""Tests of agents: kept, run, and how they went. For those who may change the agent."""

from typing import Annotated

from django.http import HttpResponse
from django.urls import reverse
from ninja import Path

from agentos.agents import actions, case_queries
from agentos.agents.models import AgentCase, AgentVersion, CaseResult, DjangoAgent
from agentos.api import agent_test_resources as resources
from agentos.api.auth import ApiRequest
from agentos.api.errors import CHANGE, FIND, START
from agentos.api.scopes import ScopedRouter
from agentos.api.workshop import AgentId, agent_to_change, created
from agentos.api.workshop_versions import VersionNotFound
from agentos.chat.rounds import actions as rounds
from agentos.core.http.errors import Problem
from agentos.core.people import name_of

router = ScopedRouter(tags=["Workshop"])

TestId = Annotated[int, Path(..., example=resources.TEST_ID, ge=1, le=2**63 - 1)]


class TestNotFound(Problem):
    """No test of this id."""

    def __init__(self) -> None:
        super().__init__(404, "This agent has no such test.", code="test_not_found")


@router.get(
    "/workshop/agents/{agent_id}/tests/",
    url_name="tests",
    operation_id="agent_tests",
    response={200: resources.AgentTestList, **FIND},
    summary="Tests of an agent",
)
def agent_tests(request: ApiRequest, agent_id: AgentId) -> resources.AgentTestList:
    agent = agent_to_change(request, agent_id)
    return resources.AgentTestList(tests=[_test(case, agent) for case in case_queries.cases_of(agent)])


@router.post(
    "/workshop/agents/{agent_id}/tests/",
    url_name="tests",
    operation_id="create_agent_test",
    response={201: resources.AgentTest, **CHANGE},
    summary="Create a test of an agent",
)
def create_agent_test(request: ApiRequest, agent_id: AgentId, payload: resources.AgentTestIn) -> HttpResponse:
    """An agent has at most 50 (409 `too_many_tests`)."""
    agent = agent_to_change(request, agent_id)
    return created(_test(actions.create_case(agent=agent, given=payload.model_dump(exclude_unset=True), by=request.auth), agent))


@router.post(
    "/workshop/agents/{agent_id}/tests/run/",
    url_name="run_tests",
    operation_id="run_agent_tests",
    response={201: resources.TestResults, **START},
    summary="Run all tests of an agent",
)
def run_agent_tests(request: ApiRequest, agent_id: AgentId, payload: resources.RunTestsIn) -> HttpResponse:
    """Answers at once; ask for the results while they come. Each answer counts as your usage, and one more for each that a model judges.
    What asks for approval is refused. While tests are being run, or when there are none: 409 `cannot_test`."""
    agent = agent_to_change(request, agent_id)
    try:
        rounds.start_round(agent=agent, version=payload.version, by=request.auth)
    except AgentVersion.DoesNotExist:
        raise VersionNotFound from None
    return created(_results(agent), reverse("api:test_results", args=[agent.agent_id]))


@router.post(
    "/workshop/agents/{agent_id}/tests/stop/",
    url_name="stop_tests",
    operation_id="stop_agent_tests",
    response={200: resources.TestResults, **CHANGE},
    summary="Stop the tests of an agent",
)
def stop_agent_tests(request: ApiRequest, agent_id: AgentId) -> resources.TestResults:
    """What was answered stays. Does nothing when none are run."""
    agent = agent_to_change(request, agent_id)
    if last := case_queries.last_round(agent):
        rounds.stop_round(found=last, by=request.auth)
    return _results(agent)


@router.get(
    "/workshop/agents/{agent_id}/tests/results/",
    url_name="test_results",
    operation_id="agent_test_results",
    response={200: resources.TestResults, **FIND},
    summary="How the tests of an agent went",
)
def agent_test_results(request: ApiRequest, agent_id: AgentId) -> resources.TestResults:
    """The last time that they were run, or so far."""
    return _results(agent_to_change(request, agent_id))


@router.get(
    "/workshop/agents/{agent_id}/tests/{test_id}/",
    url_name="test",
    operation_id="agent_test",
    response={200: resources.AgentTest, **FIND},
    summary="One test of an agent",
)
def agent_test(request: ApiRequest, agent_id: AgentId, test_id: TestId) -> resources.AgentTest:
    agent = agent_to_change(request, agent_id)
    return _test(_case(agent, test_id), agent)


@router.patch(
    "/workshop/agents/{agent_id}/tests/{test_id}/",
    url_name="test",
    operation_id="update_agent_test",
    response={200: resources.AgentTest, **CHANGE},
    summary="Change a test of an agent",
)
def update_agent_test(request: ApiRequest, agent_id: AgentId, test_id: TestId, payload: resources.AgentTestChange) -> resources.AgentTest:
    agent = agent_to_change(request, agent_id)
    given = payload.model_dump(exclude_unset=True)
    return _test(actions.change_case(case=_case(agent, test_id), given=given, by=request.auth), agent)


@router.delete(
    "/workshop/agents/{agent_id}/tests/{test_id}/",
    url_name="test",
    operation_id="delete_agent_test",
    response={204: None, **CHANGE},
    summary="Delete a test of an agent",
)
def delete_agent_test(request: ApiRequest, agent_id: AgentId, test_id: TestId) -> HttpResponse:
    """With how it went."""
    actions.delete_case(case=_case(agent_to_change(request, agent_id), test_id), by=request.auth)
    return HttpResponse(status=204, content_type="application/json")


def _case(agent: DjangoAgent, test_id: int) -> AgentCase:
    """Raises TestNotFound."""
    if case := case_queries.cases_of(agent).filter(pk=test_id).first():
        return case
    raise TestNotFound


def _test(case: AgentCase, agent: DjangoAgent) -> resources.AgentTest:
    return resources.AgentTest(
        id=case.pk,
        message=case.message,
        must_say=case.must_say,
        must_not_say=case.must_not_say,
        tools=case.tools,
        criterion=case.criterion,
        kept_answer=case.kept_answer,
        url=reverse("api:test", args=[agent.agent_id, case.pk]),
    )


def _results(agent: DjangoAgent) -> resources.TestResults:
    last = case_queries.last_round(agent)
    if last is None:
        return resources.TestResults(round=None, results=[])
    found = list(case_queries.results_of(last))
    told = resources.TestRound(
        version=last.version,
        status=last.state,  # type: ignore[arg-type]
        reason=last.reason,
        by=name_of(last.by) if last.by else None,
        started_at=last.created_at,
        finished_at=last.finished_at,
        passed=sum(result.outcome == CaseResult.Outcome.PASSED for result in found),
        total=len(found),
    )
    return resources.TestResults(round=told, results=[_result(result) for result in found])


def _result(result: CaseResult) -> resources.TestResult:
    return resources.TestResult(
        test_id=result.case_id,
        outcome=result.outcome or "not_run",  # type: ignore[arg-type]
        findings=[resources.TestFinding(**finding) for finding in result.findings],
        answer=result.answer,
        tools=result.tools,
        refused=result.refused,
        error=result.error,
        tokens=result.tokens,
        changed_since=result.revision != result.case.revision,
    )
