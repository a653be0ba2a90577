"""The tests of an agent, and how they went. Only for those who may change the agent: ask ``queries.agents_to_edit`` first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db.models import F, QuerySet

from agentos.agents import queries
from agentos.agents.blueprint import Blueprint, whole
from agentos.agents.cases import digest
from agentos.agents.models import AgentCase, AgentVersion, CaseResult, CaseRound, DjangoAgent
from agentos.knowledge.queries import chosen, newest_documents
from agentos.skills.queries import offered_to

VERSIONS = 5  # that the table has beside the draft

ENDED = (CaseResult.Outcome.PASSED, CaseResult.Outcome.FAILED, CaseResult.Outcome.UNCLEAR, CaseResult.Outcome.NO_ANSWER)


@dataclass(frozen=True, slots=True)
class Column:
    """What was tested: version ``number``, or the draft for None. ``results``: the newest of each test, by its key; ``stale``: keys of
    those of before a skill or a member changed, which say little any more."""

    number: int | None
    digest: str
    around: dict[str, int] = field(default_factory=dict)
    results: dict[int, CaseResult] = field(default_factory=dict)
    stale: set[int] = field(default_factory=set)

    @property
    def passed(self) -> int:
        return sum(result.outcome == CaseResult.Outcome.PASSED for pk, result in self.results.items() if pk not in self.stale)


@dataclass(frozen=True, slots=True)
class Row:
    case: AgentCase
    results: list[tuple[Column, CaseResult | None, bool]]  # and whether it is stale


@dataclass(frozen=True, slots=True)
class Table:
    columns: list[Column]
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The tests of a draft against those of a version. ``turned_red``: what passed there and does not here. ``red``: what does not pass
    here otherwise. ``not_run``: how many have no result here that still counts; ``not_run_before``: how many have none there."""

    total: int
    passed: int
    turned_red: list[CaseResult]
    red: list[CaseResult]
    turned_green: list[CaseResult]
    not_run: int
    not_run_before: int


def cases_of(agent: DjangoAgent) -> QuerySet[AgentCase]:
    return AgentCase.objects.filter(agent=agent)


def last_round(agent: DjangoAgent) -> CaseRound | None:
    return CaseRound.objects.filter(agent=agent).select_related("by").defer("blueprint").first()


def results_of(found: CaseRound) -> QuerySet[CaseResult]:
    """Of a round, each with its test as it is now."""
    return CaseResult.objects.filter(round=found).select_related("case")


def result_of(agent: DjangoAgent, pk: int) -> CaseResult | None:
    """Return a result of this agent by its key."""
    return CaseResult.objects.select_related("round", "case").filter(pk=pk, case__agent=agent).first()


def table(agent: DjangoAgent) -> Table:
    """Return all tests with how they went, by the draft where one waits, and by the newest versions."""
    draft = queries.draft_of(agent)
    columns = [] if draft.blueprint is None and agent.version else [_column(None, queries.worked_on(agent, draft), agent)]
    versions = AgentVersion.objects.filter(agent=agent)[:VERSIONS]
    columns += [_column(version.number, whole(version.blueprint), agent) for version in versions]
    _fill(agent, columns)
    cases = list(cases_of(agent).defer("kept_answer"))
    return Table(
        columns, [Row(case, [(column, column.results.get(case.pk), case.pk in column.stale) for column in columns]) for case in cases]
    )


def comparison(agent: DjangoAgent, wanted: Blueprint, published: Blueprint | None) -> Comparison:
    """Compare how the tests went by what is to be published, and by what is."""
    here, there = _column(None, wanted, agent), _column(None, published, agent) if published else Column(None, "")
    _fill(agent, [here, there])
    for column in (here, there):
        for pk in column.stale:
            del column.results[pk]
    total = cases_of(agent).count()
    red = [result for result in here.results.values() if result.outcome in CaseResult.RED]
    passed = CaseResult.Outcome.PASSED
    before = {pk: result.outcome for pk, result in there.results.items()}
    return Comparison(
        total=total,
        passed=here.passed,
        turned_red=[result for result in red if before.get(result.case_id) == passed],
        red=[result for result in red if before.get(result.case_id) != passed],
        turned_green=[result for pk, result in here.results.items() if result.outcome == passed and before.get(pk) in CaseResult.RED],
        not_run=total - len(here.results),
        not_run_before=total - len(there.results),
    )


def _column(number: int | None, blueprint: Blueprint, agent: DjangoAgent) -> Column:
    return Column(number, digest(blueprint), around(blueprint, agent))


def around(blueprint: Blueprint, agent: DjangoAgent) -> dict[str, int]:
    """Return what an answer depends on beside the blueprint: the versions of its skills and of its members, and the newest document of each
    knowledge base."""
    there = offered_to(agent.team_id) if blueprint["skills"] else ()
    skills = {f"skill:{skill.name}": skill.version for skill in there if skill.name in blueprint["skills"]}
    ids = [member["agent"] for member in blueprint["members"]]
    members = DjangoAgent.objects.filter(agent_id__in=ids).values_list("agent_id", "version") if ids else ()
    documents = newest_documents(chosen(blueprint["bases"], agent.team_id)) if blueprint["bases"] else {}
    return {
        **skills,
        **{f"agent:{agent_id}": version for agent_id, version in members},
        **{f"base:{name}": newest for name, newest in documents.items()},
    }


def _fill(agent: DjangoAgent, columns: Sequence[Column]) -> None:
    """Find the newest result of each test as it is now, by what was made of the same."""
    found = _ended(agent, {column.digest for column in columns})
    newest: dict[tuple[str, int], CaseResult] = {}
    for result in found:
        newest.setdefault((result.round.digest, result.case_id), result)
    for column in columns:
        column.results.update({case: result for (made_of, case), result in newest.items() if made_of == column.digest})
        old = {pk for pk, result in column.results.items() if result.round.around not in (None, column.around)}
        column.stale.update(old)


def _ended(agent: DjangoAgent, digests: Iterable[str]) -> QuerySet[CaseResult]:
    found = CaseResult.objects.filter(round__agent=agent, round__digest__in=digests, outcome__in=ENDED, revision=F("case__revision"))
    return found.select_related("round", "case").defer("answer", "findings", "round__blueprint", "case__kept_answer").order_by("-pk")
