"""Starting a round of tests, and stopping it. Whoever starts it pays for it: each answer counts as one of theirs."""

from django.db import transaction
from django.utils.translation import gettext as _

from agentos.access.users import User
from agentos.agents import queries
from agentos.agents.actions.locking import lock_to_edit
from agentos.agents.blueprint import Blueprint, whole
from agentos.agents.case_queries import around
from agentos.agents.cases import digest
from agentos.agents.errors import CannotTest, NotReady
from agentos.agents.models import AgentVersion, CaseResult, CaseRound, DjangoAgent
from agentos.agents.readiness import objections
from agentos.audit.actions import record
from agentos.chat import limits, quotas, trying
from agentos.chat.actions.runs import stop_run
from agentos.chat.models import IS_OPEN, Run
from agentos.chat.rounds import answering, driver
from agentos.chat.rounds.leases import LEASE
from agentos.core import clock

KEPT = 50  # rounds of an agent; older ones are forgotten


def start_round(*, agent: DjangoAgent, version: int | None = None, by: User) -> CaseRound:
    """Have all tests of an agent answered, one after the other, by its draft or by a version. Answers at once.

    Raises AgentUnavailable, AgentVersion.DoesNotExist, CannotTest, NotReady, NotYourAgent, QuotaReached, TooMuch.
    """
    limits.check_send(by)
    with transaction.atomic():
        agent = lock_to_edit(agent, by)
        blueprint = _blueprint(agent, version)
        if missing := objections(blueprint, agent=agent, by=by):
            raise NotReady(missing)
        trying.check_available(agent, blueprint, by=by)
        quotas.check(by, agent)
        cases = list(agent.cases.all())
        if not cases:
            raise CannotTest(_("There are no tests yet. Make one first."))
        _check_none_runs(agent)
        made = CaseRound.objects.create(
            agent=agent,
            version=version,
            blueprint=blueprint,
            digest=digest(blueprint),
            around=around(blueprint, agent),
            by=by,
            lease_until=clock.now() + LEASE,
        )
        CaseResult.objects.bulk_create(CaseResult(round=made, case=case, revision=case.revision) for case in cases)
        _forget_old(agent)
        record("agents.tests.started", by=by, object_type="agent", object_id=agent.agent_id, tests=len(cases), version=version)
        transaction.on_commit(lambda: driver.begin(made.pk))
    return made


def stop_round(*, found: CaseRound, by: User) -> bool:
    """End a round now: what was answered stays. Returns False when it had ended. Raises NotYourAgent."""
    with transaction.atomic():
        agent = lock_to_edit(found.agent, by)
        running = CaseRound.objects.filter(pk=found.pk, status=CaseRound.Status.RUNNING)
        stopped = running.update(status=CaseRound.Status.STOPPED, reason=_("Somebody stopped it."), finished_at=clock.now())
        CaseResult.objects.filter(round=found, outcome=CaseResult.Outcome.RUNNING).update(outcome=CaseResult.Outcome.WAITING)
        if stopped:
            record("agents.tests.stopped", by=by, object_type="agent", object_id=agent.agent_id)
    for run in Run.objects.filter(IS_OPEN, session__is_ephemeral=True, session__agent=agent).select_related("session"):
        if run.options.get(trying.ROUND) == found.pk:
            stop_run(run=run, by=by)
    return bool(stopped)


def _blueprint(agent: DjangoAgent, version: int | None) -> Blueprint:
    if version is None:
        return queries.worked_on(agent, queries.draft_of(agent))
    return whole(AgentVersion.objects.get(agent=agent, number=version).blueprint)


def _check_none_runs(agent: DjangoAgent) -> None:
    """A round whose driver has died is noted as broken off. Raises CannotTest."""
    for each in CaseRound.objects.filter(agent=agent, status=CaseRound.Status.RUNNING):
        if each.is_running:
            raise CannotTest(_("The tests are being run. Wait for them, or stop them."))
        answering.break_off(each.pk)


def _forget_old(agent: DjangoAgent) -> None:
    kept = CaseRound.objects.filter(agent=agent).order_by("-pk").values_list("pk", flat=True)[:KEPT]
    CaseRound.objects.filter(agent=agent).exclude(pk__in=list(kept)).delete()
