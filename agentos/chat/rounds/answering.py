"""What is stored of a round while it is driven: the next test, its answer, the judge's verdict, and how the round ends.

Each answer is a run that leaves no trace (chat/ephemeral.py), as one of the try-out pane is: by who started the round, with their rights
and their quota, and with the blueprint that is tested.
"""

from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext as _

from agentos.access.users import User
from agentos.agents import judging, queries
from agentos.agents.blueprint import Blueprint, empty
from agentos.agents.cases import JUDGED, KEPT_LENGTH, Finding, findings, outcome_of
from agentos.agents.errors import NotYourAgent
from agentos.agents.models import CaseResult, CaseRound, DjangoAgent
from agentos.agents.runtime import Answer
from agentos.audit.actions import record
from agentos.chat import ephemeral, quotas, trying
from agentos.chat.actions.runs import answer_run
from agentos.chat.live.parts import Part
from agentos.chat.models import Run
from agentos.core import clock
from agentos.core.http.errors import Problem

Outcome = CaseResult.Outcome
Status = CaseRound.Status

NOBODY = "This is a test. Nobody is here to approve the call."


def next_answer(round_pk: int) -> tuple[CaseResult, Run] | None:
    """Begin the answer to the next test. None: there is none, or the round has ended, as it does by what forbids the answer."""
    try:
        with transaction.atomic():
            found = _running(round_pk)
            result = found and CaseResult.objects.filter(round=found, outcome=Outcome.WAITING).select_related("case").first()
            if not found or not result:
                return None
            run = begin_run(found.agent, found.blueprint, result.case.message, _by(found), found.pk)
            CaseResult.objects.filter(pk=result.pk).update(outcome=Outcome.RUNNING)
            result.round = found
    except Problem as problem:
        end(round_pk, Status.STOPPED, problem.sentence)
        return None
    return result, run


def begin_run(agent: DjangoAgent, blueprint: Blueprint, message: str, by: User, round_pk: int) -> Run:
    """In the caller's transaction. Raises AgentUnavailable, NotYourAgent, QuotaReached."""
    if not queries.may_edit(by, agent):
        raise NotYourAgent(_("Who started the tests may no longer change this agent."))
    trying.check_available(agent, blueprint, by=by)
    quotas.check(by, agent)
    return ephemeral.begin_run(agent=agent, by=by, history=[], input=message, options={trying.BLUEPRINT: blueprint, trying.ROUND: round_pk})


def refuse(run: Run) -> list[str]:
    """Refuse what a run asks, since nobody is there. Returns the names of the functions. Raises ChatError."""
    answers = [Answer(requirement["call_id"], confirmed=False, note=NOBODY) for requirement in run.requirements]
    answer_run(run=run, answers=answers, by=run.by)
    return [requirement["name"] for requirement in run.requirements]


def settle(result: CaseResult, run: Run | None, refused: list[str]) -> list[Finding] | None:
    """Store what was answered. Returns what was found, where the judge is to be asked; None: the test is done."""
    case = result.case
    if run is not None and run.status == Run.Status.INTERRUPTED:  # the server stops, which says nothing of the agent
        break_off(result.round_id)
        return None
    if run is None or run.status != Run.Status.COMPLETED:
        _store(result, run, outcome=Outcome.NO_ANSWER, refused=refused, error=trouble(run))
        return None
    called = list(dict.fromkeys([*called_in(run.parts), *refused]))
    found = findings(case, run.answer, called)
    needs_judge = bool(case.criterion) and all(each.ok for each in found)
    outcome = Outcome.RUNNING if needs_judge else outcome_of(found)
    _store(result, run, outcome=outcome, refused=refused, tools=called, findings=[each.as_json() for each in found])
    return found if needs_judge else None


def begin_judging(result: CaseResult) -> Run:
    """Ask the agent's model, without its instructions and tools. Raises what ``begin_run`` raises, and CaseRound.DoesNotExist."""
    with transaction.atomic():
        found = _running(result.round_id)
        if found is None:
            raise CaseRound.DoesNotExist
        asked = {"criterion": result.case.criterion, "message": result.case.message, "answer": result.answer, "tools": result.tools}
        return begin_run(found.agent, asking(found.blueprint, judging.INSTRUCTIONS), judging.question(**asked), _by(found), found.pk)


def asking(blueprint: Blueprint, instructions: str) -> Blueprint:
    """Return what has the model of a blueprint answer by other instructions: without tools, skills and members."""
    kept = {name: blueprint[name] for name in ("name", "model", "fallbacks")}
    return {**empty(), **kept, "instructions": instructions}


def judge(result: CaseResult, found: list[Finding], run: Run | None, why: str = "") -> None:
    """Store the verdict in the run of the judge; one that cannot be read, or is not there, decides nothing."""
    if run is not None and run.status == Run.Status.COMPLETED:
        verdict = judging.verdict_in(run.answer)
        said = verdict.reason if verdict.ok is not None else _("The judge's verdict could not be read.")
        ok = verdict.ok
    else:
        ok, said = None, why or trouble(run)
    found = [*found, Finding(JUDGED, result.case.criterion, ok, said)]
    tokens = result.tokens + (run.input_tokens + run.output_tokens if run else 0)
    of_result = CaseResult.objects.filter(pk=result.pk, outcome=Outcome.RUNNING)
    of_result.update(outcome=outcome_of(found), findings=[each.as_json() for each in found], tokens=tokens)


def end(round_pk: int, status: str, reason: str = "") -> None:
    """End a round that is running; what is half done was not run."""
    with transaction.atomic():
        found = CaseRound.objects.select_for_update().filter(pk=round_pk, status=Status.RUNNING).first()
        if found is None:
            return
        CaseRound.objects.filter(pk=found.pk).update(status=status, reason=reason[:500], finished_at=clock.now())
        CaseResult.objects.filter(round=found, outcome=Outcome.RUNNING).update(outcome=Outcome.WAITING)
        outcomes = list(CaseResult.objects.filter(round=found).values_list("outcome", flat=True))
        about = {"status": str(status), "passed": outcomes.count(Outcome.PASSED), "tests": len(outcomes)}
        record("agents.tests.ended", by=None, object_type="agent", object_id=found.agent.agent_id, **about)


def break_off(round_pk: int) -> None:
    """Say of a round whose server goes, or has gone, that it has no end."""
    end(round_pk, Status.INTERRUPTED, _("The server stopped before all tests were run. Run them again."))


def called_in(parts: Iterable[Part]) -> list[str]:
    """Return the names of the functions that were called, those of members of a team among them, in their order."""
    names: list[str] = []
    for part in parts:
        if part["kind"] == "tool":
            names.append(part["name"])
        elif part["kind"] == "delegation":
            names += called_in(part["parts"])
    return list(dict.fromkeys(names))


def _running(round_pk: int) -> CaseRound | None:
    """Lock a round that is running."""
    locked = CaseRound.objects.select_for_update(of=("self",)).select_related("agent", "by")
    found: CaseRound | None = locked.filter(pk=round_pk, status=Status.RUNNING).first()
    return found


def _by(found: CaseRound) -> User:
    if found.by is None:
        raise NotYourAgent(_("Who started the tests is gone."))
    return found.by


def _store(result: CaseResult, run: Run | None, **columns: object) -> None:
    """``result`` has then what is stored."""
    if run is not None:
        columns |= {"answer": run.answer[:KEPT_LENGTH], "seconds": run.seconds, "tokens": run.input_tokens + run.output_tokens}
    for name, value in columns.items():
        setattr(result, name, value)
    CaseResult.objects.filter(pk=result.pk, outcome=Outcome.RUNNING).update(**columns)


def trouble(run: Run | None) -> str:
    """Return why there is no answer."""
    if run is None:
        return _("The answer took too long, or asked too often for what nobody approves.")
    if run.error_code:
        return trying.trouble(run)
    return _("The answer was broken off.")
