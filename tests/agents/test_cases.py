"""Tests of agents: who makes them, what they may hold, what an answer has met, and what a judge's word is worth."""

from typing import Any

import pytest

from agentos.access.models import Team, User
from agentos.agents import actions, case_queries, cases, judging, queries
from agentos.agents.blueprint import checked
from agentos.agents.cases import InvalidCase, digest, findings
from agentos.agents.errors import NotYourAgent, TooManyCases
from agentos.agents.models import AgentCase, CaseResult, CaseRound, DjangoAgent
from agentos.audit.models import AuditRecord
from agentos.skills.models import Skill
from tests.factories import AgentCaseFactory, CaseResultFactory, CaseRoundFactory, SkillFactory


def make(agent: DjangoAgent, by: User, **given: Any) -> AgentCase:
    return actions.create_case(agent=agent, given={"message": "What is 17 times 25?", **given}, by=by)


class TestMaking:
    def test_is_for_those_who_may_change_the_agent(
        self, team_agent: DjangoAgent, owner: User, member: User, stranger: User, operator: User
    ) -> None:
        for other in (member, stranger):
            with pytest.raises(NotYourAgent):
                make(team_agent, other)
        mine, theirs = make(team_agent, owner), make(team_agent, operator)
        for other in (member, stranger):
            with pytest.raises(NotYourAgent):
                actions.change_case(case=mine, given={"message": "X"}, by=other)
            with pytest.raises(NotYourAgent):
                actions.delete_case(case=mine, by=other)
        actions.change_case(case=theirs, given={"message": "X"}, by=owner)
        actions.delete_case(case=theirs, by=owner)
        assert list(AgentCase.objects.all()) == [mine]
        verbs = AuditRecord.objects.filter(object_id=team_agent.agent_id).order_by("pk").values_list("verb", flat=True)
        assert list(verbs) == ["agents.test.created"] * 2 + ["agents.test.changed", "agents.test.deleted"]

    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ({"message": "  "}, "message"),
            ({"message": "x" * 32_001}, "message"),
            ({"message": 3}, "message"),
            ({"must_say": ["x"] * 2 + [str(n) for n in range(20)]}, "must_say"),
            ({"must_not_say": ["x" * 201]}, "must_not_say"),
            ({"tools": "clock"}, "tools"),
            ({"criterion": "x" * 501}, "criterion"),
        ],
    )
    def test_says_what_is_wrong(self, team_agent: DjangoAgent, owner: User, given: dict[str, Any], field: str) -> None:
        with pytest.raises(InvalidCase) as refused:
            make(team_agent, owner, **given)
        assert list(refused.value.errors) == [field]
        assert not AgentCase.objects.exists()

    def test_ends_somewhere(self, team_agent: DjangoAgent, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cases, "CASES", 2)
        for _ in range(2):
            make(team_agent, owner)
        with pytest.raises(TooManyCases):
            make(team_agent, owner)

    def test_that_changes_something_makes_old_results_count_no_more(self, team_agent: DjangoAgent, owner: User) -> None:
        case = make(team_agent, owner, must_say=["425"])
        assert actions.change_case(case=case, given={"must_say": ["425"]}, by=owner).revision == 1
        assert actions.change_case(case=case, given={"must_say": ["426"]}, by=owner).revision == 2


class TestFindings:
    @pytest.mark.parametrize(
        ("expected", "ok"),
        [
            ({"must_say": ["four  HUNDRED"]}, True),
            ({"must_say": ["400"]}, False),
            ({"must_not_say": ["sorry"]}, True),
            ({"must_not_say": ["Hundred"]}, False),
            ({"tools": ["calculator"]}, True),
            ({"tools": ["multiply"]}, True),
            ({"tools": ["Calculator"]}, True),
            ({"tools": ["clock"]}, False),
            ({"tools": ["no-such-tool"]}, False),
        ],
    )
    def test_are_met_or_not(self, expected: dict[str, list[str]], ok: bool, db: None) -> None:
        (found,) = findings(AgentCase(**expected), "It is four hundred\nand 25.", ["multiply"])
        assert found.ok is ok


class TestVerdict:
    @pytest.mark.parametrize(
        ("said", "ok"),
        [
            ('{"verdict": "pass", "reason": "It does."}', True),
            ('```json\n{"verdict": "fail", "reason": "It does not."}\n```', False),
            ('{"verdict": "maybe", "reason": "Hm."}', None),
            ('{"verdict": true, "reason": "Yes."}', None),
            ('{"verdict": "pass"}', None),
            ('{"verdict": "pass", "reason": "x", "score": 1}', None),
            ('It passes: {"verdict": "pass", "reason": "x"}', None),
            ('{"verdict": "pass", "reason": "x"} {"verdict": "fail", "reason": "x"}', None),
            ("", None),
            ("```", None),
            ("[" * 5000, None),
        ],
    )
    def test_is_strict(self, said: str, ok: bool | None) -> None:
        assert judging.verdict_in(said).ok is ok

    def test_has_a_short_reason(self) -> None:
        assert len(judging.verdict_in('{"verdict": "pass", "reason": "' + "x\\n" * 1000 + '"}').reason) <= judging.REASON_LENGTH


class TestDigest:
    def test_is_of_what_answers(self) -> None:
        one = checked({"name": "A", "model": "scripted:echo", "instructions": "Be kind."})
        assert digest(checked({"name": "B", "starters": ["Hi"]}, one)) == digest(one)
        for change in ({"instructions": "Be brief."}, {"model": "scripted:tool"}, {"tools": ["clock"]}, {"fallbacks": ["scripted:echo"]}):
            assert digest(checked(change, one)) != digest(one)

    def test_is_not_changed_by_parts_that_are_new_here(self) -> None:
        assert digest({"model": "scripted:echo"}) == digest(checked({"model": "scripted:echo"}))


def publish_again(agent: DjangoAgent, by: User) -> None:
    actions.save_draft(agent=agent, changes={"instructions": "Others."}, stamp=None, by=by)
    actions.publish_agent(agent=agent, by=by)


class TestTable:
    @pytest.fixture
    def agent(self, owner: User, support: Team) -> DjangoAgent:
        agent = actions.start_agent(name="Helper", team=support, blueprint={"model": "scripted:echo"}, by=owner)
        for number in (1, 2):
            actions.save_draft(agent=agent, changes={"instructions": f"As {number}."}, stamp=None, by=owner)
            actions.publish_agent(agent=agent, by=owner)
        actions.save_draft(agent=agent, changes={"instructions": "Draft."}, stamp=None, by=owner)
        agent.refresh_from_db()
        return agent

    def test_has_draft_and_versions_with_the_newest_result_of_each_test(self, agent: DjangoAgent, owner: User) -> None:
        case, other = make(agent, owner), make(agent, owner)
        for outcome in ("failed", "passed", ""):
            CaseResultFactory(case=case, outcome=outcome, round__instructions="As 2.")
        CaseResultFactory(case=other, outcome="failed", round__instructions="As 1.")
        CaseResultFactory(case=other, outcome="unclear", round__instructions="Draft.")
        table = case_queries.table(agent)
        assert [column.number for column in table.columns] == [None, 2, 1]
        assert [[result.outcome if result else None for _, result, _ in row.results] for row in table.rows] == [
            [None, "passed", None],
            ["unclear", None, "failed"],
        ]
        assert [column.passed for column in table.columns] == [0, 1, 0]

    def test_leaves_out_what_a_changed_test_has_gone_like(self, agent: DjangoAgent, owner: User) -> None:
        case = make(agent, owner)
        CaseResultFactory(case=case, outcome="passed", round__instructions="As 2.")
        actions.change_case(case=case, given={"must_say": ["x"]}, by=owner)
        (row,) = case_queries.table(agent).rows
        assert [result for _, result, _ in row.results] == [None, None, None]

    def test_knows_what_was_run_before_a_skill_or_a_member_changed(self, agent: DjangoAgent, owner: User, team_agent: DjangoAgent) -> None:
        skill = SkillFactory(name="voice")
        crew = {"kind": "team", "members": [{"agent": team_agent.agent_id}], "skills": ["voice"]}
        actions.save_draft(agent=agent, changes=crew, stamp=None, by=owner)
        wanted = queries.worked_on(agent, queries.draft_of(agent))
        case = make(agent, owner)
        around = case_queries.around(wanted, agent)
        assert around == {"skill:voice": 1, f"agent:{team_agent.agent_id}": 1}
        CaseResultFactory(case=case, outcome="passed", round__digest=digest(wanted), round__around=around)
        assert [is_stale for _, _, is_stale in case_queries.table(agent).rows[0].results] == [False, False, False]
        for change in (lambda: Skill.objects.filter(pk=skill.pk).update(version=2), lambda: publish_again(team_agent, owner)):
            CaseRound.objects.update(around=case_queries.around(wanted, agent))
            assert case_queries.comparison(agent, wanted, None).not_run == 0
            change()
            assert [is_stale for _, _, is_stale in case_queries.table(agent).rows[0].results] == [True, False, False]
            assert case_queries.comparison(agent, wanted, None).not_run == 1

    def test_asks_as_much_for_many(self, agent: DjangoAgent, owner: User, django_assert_num_queries: Any) -> None:
        for _ in range(20):
            CaseResultFactory(case=make(agent, owner), outcome="passed", round__instructions="As 2.")
        with django_assert_num_queries(4):
            table = case_queries.table(agent)
            assert [str(row.case) for row in table.rows]
            assert [str(result) for row in table.rows for _, result, _ in row.results if result]

    def test_is_compared_with_what_is_published(self, agent: DjangoAgent, owner: User) -> None:
        before: dict[str, str | None] = {"unrun": "passed"}
        before |= {
            "turned red": "passed",
            "no answer": "passed",
            "still red": "failed",
            "turned green": "failed",
            "new": None,
            "unrun": "passed",
        }
        after = {"turned red": "failed", "no answer": "no_answer", "still red": "failed", "turned green": "passed", "new": "failed"}
        for message, outcome in before.items():
            case = make(agent, owner, message=message)
            if outcome:
                CaseResultFactory(case=case, outcome=outcome, round__instructions="As 2.")
            if message in after:
                CaseResultFactory(case=case, outcome=after[message], round__instructions="Draft.")
        found = case_queries.comparison(
            agent,
            checked({"model": "scripted:echo", "instructions": "Draft."}),
            checked({"model": "scripted:echo", "instructions": "As 2."}),
        )

        def messages(results: list[CaseResult]) -> set[str]:
            return {result.case.message for result in results}

        assert messages(found.turned_red) == {"turned red", "no answer"}
        assert messages(found.red) == {"still red", "new"}
        assert messages(found.turned_green) == {"turned green"}
        assert (found.total, found.passed, found.not_run, found.not_run_before) == (6, 1, 1, 1)


def test_a_case_of_the_factories_is_one(db: None) -> None:
    assert AgentCaseFactory().revision == CaseResultFactory(case=AgentCaseFactory()).revision
    assert CaseRoundFactory().is_running
