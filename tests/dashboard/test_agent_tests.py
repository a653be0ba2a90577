"""The pages of an agent's tests: the list with how they went, the form of one, keeping an answer, and what publishing says."""

import re
from typing import Any

import pytest
from django.test import Client

from agentos.access.models import Membership, Team, User
from agentos.agents import actions
from agentos.agents.blueprint import checked
from agentos.agents.models import AgentCase, CaseRound, DjangoAgent
from agentos.chat.actions import create_session
from agentos.chat.models import Run
from agentos.chat.rounds import actions as rounds
from tests.dashboard.asking import HTMX
from tests.dashboard.asking import queries as counted
from tests.factories import AgentCaseFactory, CaseResultFactory, RunFactory, UserFactory
from tests.html import page


def url(agent: DjangoAgent, *more: Any) -> str:
    return "/".join(["/agentos/workshop/agent", agent.agent_id, "tests", *map(str, more), ""])


@pytest.fixture
def agent(owner: User, support: Team) -> DjangoAgent:
    """Published once, with a draft."""
    parts = {"model": "scripted:echo", "instructions": "One.", "tools": ["calculator"]}
    agent = actions.start_agent(name="Helper", team=support, blueprint=parts, by=owner)
    actions.publish_agent(agent=agent, by=owner)
    actions.save_draft(agent=agent, changes={"instructions": "Two."}, stamp=None, by=owner)
    agent.refresh_from_db()
    return agent


def went(case: AgentCase, outcome: str, instructions: str, **more: Any) -> Any:
    blueprint = {"model": "scripted:echo", "instructions": instructions, "tools": ["calculator"]}
    return CaseResultFactory(case=case, outcome=outcome, round__blueprint=checked(blueprint), round__status="done", **more)


class TestList:
    def test_begins_empty(self, as_owner: Client, agent: DjangoAgent) -> None:
        found = page(as_owner.get(url(agent)))
        assert "No tests yet" in found.text(".empty")
        assert not found.has("#run-all")

    def test_has_tests_and_versions(self, as_owner: Client, agent: DjangoAgent) -> None:
        case = AgentCaseFactory(agent=agent, message="What is <b>17</b>?")
        went(case, "passed", "One.")
        result = went(case, "failed", "Two.")
        found = page(as_owner.get(url(agent)))
        assert found.texts(".tests-table thead th") == ["Test", "Draft", "Version 1"]
        assert found.texts(f"#test-{case.pk} th bdi") == ["What is <b>17</b>?"]
        assert found.texts(f"#test-{case.pk} td") == ["Failed test 1 by the draft", "Passed test 1 by version 1"]
        assert found.has(f"#test-{case.pk} a[href='{url(agent, 'result', result.pk)}']")
        assert found.texts(".tests-table tfoot td") == ["0 of 1", "1 of 1"]

    def test_asks_as_much_for_many(self, as_owner: Client, agent: DjangoAgent) -> None:
        went(AgentCaseFactory(agent=agent), "passed", "One.")
        few = counted(as_owner, url(agent))
        for _ in range(20):
            went(AgentCaseFactory(agent=agent), "passed", "One.")
        assert counted(as_owner, url(agent)) == few


class TestRunning:
    def test_is_told_while_it_goes_on(self, as_owner: Client, agent: DjangoAgent) -> None:
        case = AgentCaseFactory(agent=agent)
        answer = as_owner.post(url(agent, "run"), {"version": "1"}, follow=True)
        found = page(answer)
        assert "0 of 1 done" in found.text("#tests-state")
        assert found.has("[hx-get][hx-target='#tests']")
        assert not found.has("#run-all")
        assert CaseRound.objects.get().version == 1
        case.results.update(outcome="passed")
        told = as_owner.get(url(agent), headers=HTMX).content.decode()
        assert told.strip().startswith('<div id="tests"')
        assert "1 of 1 done" in told
        found = page(as_owner.post(url(agent, "stop"), follow=True))
        assert "Somebody stopped it." in found.text("#tests-state")
        assert found.has("#run-all")
        assert not found.has("[hx-get][hx-target='#tests']")

    def test_that_was_broken_off_says_so(self, as_owner: Client, agent: DjangoAgent, owner: User) -> None:
        for _ in range(2):
            AgentCaseFactory(agent=agent)
        made = rounds.start_round(agent=agent, by=owner)
        CaseRound.objects.update(lease_until=made.created_at)
        found = page(as_owner.get(url(agent)))
        assert re.sub(r"\s+", " ", found.text("#tests-state")).startswith("The draft: 0 of 2 passed. Only 0 were run. The server stopped")
        assert found.has("#run-all")

    def test_says_why_not(self, as_owner: Client, agent: DjangoAgent) -> None:
        assert "There are no tests yet." in page(as_owner.post(url(agent, "run"), follow=True)).text("#notices")
        AgentCaseFactory(agent=agent)
        assert "There is no such version." in page(as_owner.post(url(agent, "run"), {"version": "9"}, follow=True)).text("#notices")


class TestForm:
    def test_makes_changes_and_deletes_one(self, as_owner: Client, agent: DjangoAgent) -> None:
        form = {
            "message": "What is 17 times 25?",
            "must_say": "425\n\n four hundred ",
            "must_not_say": "sorry",
            "tools": ["calculator"],
            "criterion": "Is brief.",
        }
        answer = as_owner.post(url(agent, "new"), form, follow=True)
        assert "The test is saved." in page(answer).text("#notices")
        case = AgentCase.objects.get()
        assert (case.must_say, case.must_not_say, case.tools) == (["425", "four hundred"], ["sorry"], ["calculator"])
        found = page(as_owner.get(url(agent, case.pk)))
        assert found.text("#test-must-say").split() == ["425", "four", "hundred"]
        assert found.has("input[name=tools][value=calculator][checked]")
        as_owner.post(url(agent, case.pk), {**form, "criterion": ""})
        case.refresh_from_db()
        assert (case.criterion, case.revision) == ("", 2)
        as_owner.post(url(agent, case.pk, "delete"))
        assert not AgentCase.objects.exists()

    def test_says_what_is_wrong_and_loses_nothing(self, as_owner: Client, agent: DjangoAgent) -> None:
        answer = as_owner.post(url(agent, "new"), {"message": " ", "must_say": "425", "criterion": "x" * 501})
        found = page(answer)
        assert answer.status_code == 422
        assert "Write the message" in found.text("#test-message-error")
        assert found.has("#test-message[aria-invalid=true]")
        assert "500" in found.text("#test-criterion-error")
        assert "425" in found.text("#test-must-say")
        assert not AgentCase.objects.exists()

    def test_is_nobody_elses(self, as_owner: Client, agent: DjangoAgent, team_agent: DjangoAgent) -> None:
        other = AgentCaseFactory(agent=team_agent)
        result = CaseResultFactory(case=other)
        assert as_owner.get(url(agent, other.pk)).status_code == 404
        assert as_owner.post(url(agent, other.pk, "delete")).status_code == 404
        assert as_owner.get(url(agent, "result", result.pk)).status_code == 404


class TestResult:
    def test_says_what_was_met(self, as_owner: Client, agent: DjangoAgent) -> None:
        findings = [
            {"kind": "must_say", "wanted": "<i>425</i>", "ok": True, "said": ""},
            {"kind": "tools", "wanted": "calculator", "ok": False, "said": ""},
            {"kind": "criterion", "wanted": "Is kind.", "ok": None, "said": "The judge's verdict could not be read."},
        ]
        more = {"findings": findings, "answer": "**425** <script>", "tools": ["multiply", "post_letter"], "refused": ["post_letter"]}
        result = went(AgentCaseFactory(agent=agent), "failed", "One.", **more)
        found = page(as_owner.get(url(agent, "result", result.pk)))
        assert [text.split()[0:2] for text in found.texts(".finding strong")] == [["Met"], ["Not", "met"], ["Not", "judged"]]
        assert "<i>425</i>" in found.text(".findings")
        assert "could not be read" in found.text(".findings")
        assert "Calculator" in found.text(".findings")
        assert "refused since nobody is there: Rehearsal letter." in re.sub(r"\s+", " ", found.text(".scarce"))
        assert found.texts(".prose strong") == ["425"]
        assert not found.has(".prose script")


class TestKeeping:
    @pytest.fixture
    def run(self, agent: DjangoAgent, owner: User) -> Run:
        parts = [
            {"kind": "tool", "call_id": "1", "name": "multiply", "args": {}, "status": "finished", "result": "425", "seconds": 0.1},
            {"kind": "text", "text": "It is **425**."},
        ]
        session = create_session(agent=agent, by=owner)
        RunFactory(session=session, input="Earlier", answer="Before that")
        return RunFactory(session=session, input="What is 17 times 25?", answer="It is **425**.", parts=parts)

    def test_is_offered_to_those_who_may_change_the_agent(self, as_owner: Client, as_member: Client, member: User, run: Run) -> None:
        found = page(as_owner.get(f"/agentos/session/{run.session.session_id}/"))
        keep = found.one("#turn-2-keep")
        assert keep["href"] == url(run.session.agent, "new") + f"?run={run.run_id}"
        theirs = RunFactory(session=create_session(agent=run.session.agent, by=member))
        assert not page(as_member.get(f"/agentos/session/{theirs.session.session_id}/")).has("a[id$='-keep']")

    def test_is_gone_with_the_right(self, as_owner: Client, owner: User, run: Run) -> None:
        where = f"/agentos/session/{run.session.session_id}/"
        assert page(as_owner.get(where)).has("#turn-2-keep")
        owner.memberships.update(role=Membership.Role.MEMBER)
        assert not page(as_owner.get(where)).has("#turn-2-keep")

    def test_copies_message_answer_and_tools(self, as_owner: Client, agent: DjangoAgent, run: Run) -> None:
        found = page(as_owner.get(url(agent, "new") + f"?run={run.run_id}"))
        assert "What is 17 times 25?" in found.text("#test-message")
        assert found.texts("#kept-answer .prose strong") == ["425"]
        assert found.has("input[name=tools][value=calculator][checked]")
        assert not AgentCase.objects.exists()
        form = {"message": "What is 17 times 25?", "must_say": "425", "run": run.run_id, "kept_answer": "forged"}
        assert as_owner.post(url(agent, "new"), form).status_code == 303
        case = AgentCase.objects.get()
        assert (case.kept_answer, "Before that" in str(vars(case))) == ("It is **425**.", False)

    def test_is_of_ones_own_chats_with_this_agent(
        self, as_owner: Client, as_operator: Client, agent: DjangoAgent, team_agent: DjangoAgent, run: Run, support: Team
    ) -> None:
        other = UserFactory()
        other.memberships.create(team=support)
        theirs = RunFactory(session=create_session(agent=agent, by=other), answer="SECRET")
        for run_id in (theirs.run_id, "run_nothing"):
            assert as_owner.get(url(agent, "new") + f"?run={run_id}").status_code == 404
            assert as_owner.post(url(agent, "new"), {"message": "X", "run": run_id}).status_code == 404
        assert as_operator.get(url(agent, "new") + f"?run={run.run_id}").status_code == 404
        assert as_owner.get(url(team_agent, "new") + f"?run={run.run_id}").status_code == 404
        assert not AgentCase.objects.exists()


class TestPublishing:
    def test_shows_what_turned_red(self, as_owner: Client, agent: DjangoAgent) -> None:
        turned, still, unrun = (AgentCaseFactory(agent=agent, message=text) for text in ("Turned", "Still", "Unrun"))
        for case in (turned, unrun):
            went(case, "passed", "One.")
        for case in (turned, still):
            went(case, "failed", "Two.")
        found = page(as_owner.get(f"/agentos/workshop/agent/{agent.agent_id}/publish/"))
        assert "1 test turned red: version 1 passed it" in re.sub(r"\s+", " ", found.text("#red .panel"))
        assert found.texts("#red .panel a") == ["Turned"]
        assert found.texts("#red .red-tests a") == ["Turned", "Still"]
        assert "This draft passes 0 of 3. Not run: 1." in re.sub(r"\s+", " ", found.text("#red"))
        assert found.has("#run-first")

    def test_says_when_there_is_nothing_to_compare_with(self, as_owner: Client, agent: DjangoAgent) -> None:
        went(AgentCaseFactory(agent=agent), "passed", "Two.")
        text = re.sub(r"\s+", " ", page(as_owner.get(f"/agentos/workshop/agent/{agent.agent_id}/publish/")).text("#red"))
        assert "This draft passes 1 of 1. Version 1 was not tested" in text

    def test_says_nothing_without_tests(self, as_owner: Client, agent: DjangoAgent) -> None:
        assert not page(as_owner.get(f"/agentos/workshop/agent/{agent.agent_id}/publish/")).has("#red")
