"""The workshop's pages, as an owner of a team uses them who is no operator."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client, override_settings

from agentos.access.models import Membership, Plan, Team, User
from agentos.agents import actions, queries
from agentos.agents.errors import NotYourAgent
from agentos.agents.models import AgentDraft, AgentVersion, DjangoAgent
from agentos.audit.models import AuditRecord
from agentos.core import clock
from tests.dashboard.asking import queries as counted
from tests.factories import AgentFactory, MembershipFactory, RemoteServerFactory, RemoteToolFactory, TeamFactory
from tests.html import page

HOME = "/agentos/workshop/"
FORM = {"name": "Letter Helper", "description": "Letters.", "instructions": "Be brief.", "model": "scripted:5x0"}


def url(agent: DjangoAgent, *more: str) -> str:
    return "/".join([HOME.rstrip("/"), "agent", agent.agent_id, *more, ""])


def stamp(agent: DjangoAgent) -> str:
    agent.refresh_from_db()
    return queries.stamp_of(queries.draft_of(agent))


@pytest.fixture
def draft(owner: User, support: Team) -> DjangoAgent:
    return actions.start_agent(name="Letter Helper", team=support, by=owner)


class TestFiveMinutes:
    def test_from_nothing_to_an_agent_that_the_team_uses(self, as_owner: Client, member: User, support: Team) -> None:
        answer = as_owner.post(HOME + "new/", {"name": "Letter Helper"}, follow=True)
        agent = DjangoAgent.objects.get(agent_id="letter-helper")
        assert answer.request["PATH_INFO"] == url(agent)
        assert (agent.team, agent.is_active) == (support, False)
        kept = page(answer).one("#draft input[name=stamp]")["value"]
        answer = as_owner.post(url(agent), {**FORM, "tool:clock": "ask", "starters": "Hi\nHo", "do": "publish", "stamp": kept}, follow=True)
        found = page(answer)
        assert found.texts(".change h3") == ["Name", "Description", "Instructions", "Model", "Tools", "Approvals", "Starters"]
        kept = found.one("#publish input[name=stamp]")["value"]
        answer = as_owner.post(url(agent, "publish"), {"stamp": kept, "note": "First"}, follow=True)
        assert "Version 1 is published." in page(answer).text("#notices")
        agent.refresh_from_db()
        assert (agent.tools, agent.tool_policies, agent.starters) == (["clock"], {"clock": "ask"}, ["Hi", "Ho"])
        assert queries.may_use(member.pk, agent.pk)


class TestModels:
    def test_may_be_chosen_and_set_by_operators(self, as_operator: Client, draft: DjangoAgent) -> None:
        more = {"choices": "scripted:echo\nscripted:effort", "effort_choice": "1", "model_options:temperature": "0.4"}
        assert as_operator.post(url(draft), {**FORM, **more, "do": "save", "stamp": stamp(draft)}).status_code == 303
        kept = queries.draft_of(draft).blueprint
        assert kept
        assert (kept["choices"], kept["effort_choice"], kept["model_options"]) == (
            ["scripted:echo", "scripted:effort"],
            True,
            {"temperature": 0.4},
        )
        found = page(as_operator.get(url(draft)))
        assert found.text("#draft-choices").split() == ["scripted:echo", "scripted:effort"]
        assert found.has("#draft-effort[checked]")
        assert found.one("#draft-temperature")["value"] == "0.4"

    def test_keep_their_settings_when_an_owner_saves(self, as_owner: Client, draft: DjangoAgent, owner: User, operator: User) -> None:
        actions.save_draft(agent=draft, changes={"model_options": {"temperature": 0.4}}, stamp=None, by=operator)
        assert not page(as_owner.get(url(draft))).has("#draft-temperature")
        more = {"model_options:temperature": "2", "effort_choice": "1"}
        assert as_owner.post(url(draft), {**FORM, **more, "do": "save", "stamp": stamp(draft)}).status_code == 303
        kept = queries.worked_on(draft, queries.draft_of(draft))
        assert (kept["model_options"], kept["effort_choice"]) == ({"temperature": 0.4}, True)
        with pytest.raises(NotYourAgent, match="settings of the model"):
            actions.save_draft(agent=draft, changes={"model_options": {}}, stamp=None, by=owner)

    def test_that_cannot_be_used_are_told_when_the_draft_is_saved(self, as_owner: Client, draft: DjangoAgent) -> None:
        form = {**FORM, "model": "openai:gpt-5.4", "do": "save", "stamp": stamp(draft)}
        told = page(as_owner.post(url(draft), form, follow=True)).text("#notices")
        assert "The draft is saved." in told
        assert "The model openai:gpt-5.4 cannot be used now. Ask your administrator." in told

    def test_are_refused_at_their_field(self, as_operator: Client, draft: DjangoAgent) -> None:
        answer = as_operator.post(url(draft), {**FORM, "model_options:max_tokens": "many", "do": "save", "stamp": stamp(draft)})
        assert answer.status_code == 422
        assert "max_tokens" in page(answer).text("#models .error")
        assert page(answer).one("#draft-max-tokens")["value"] == "many"


class TestList:
    def test_has_what_one_may_change(
        self, as_owner: Client, as_operator: Client, team_agent: DjangoAgent, everyone_agent: DjangoAgent
    ) -> None:
        assert page(as_owner.get(HOME)).texts(".made-agent h3") == ["Support Writer"]
        assert page(as_operator.get(HOME)).texts(".made-agent h3") == ["Assistant", "Support Writer"]
        assert page(as_operator.get(HOME + "?q=SUPP wri")).texts(".made-agent h3") == ["Support Writer"]
        assert page(as_operator.get(HOME + "?q=nothing")).has(".empty")

    def test_says_how_each_stands(self, as_owner: Client, owner: User, team_agent: DjangoAgent, draft: DjangoAgent) -> None:
        actions.save_draft(agent=team_agent, changes={"name": "X"}, stamp=None, by=owner)
        actions.deactivate_agent(agent=team_agent, by=owner)
        assert [page(str(row)).texts(".tag") for row in page(as_owner.get(HOME)).all(".made-agent")] == [
            ["Not published yet"],
            ["Off", "Version 1", "Draft waits"],
        ]

    def test_asks_as_much_for_many(self, as_operator: Client, operator: User, pro: Plan) -> None:
        AgentFactory(team=TeamFactory(), plans=[pro])
        few = counted(as_operator, HOME)
        for _ in range(20):
            agent = AgentFactory(team=TeamFactory(), plans=[pro])
            actions.save_draft(agent=agent, changes={"description": "X"}, stamp=None, by=operator)
        assert len(page(as_operator.get(HOME)).all(".made-agent")) == 21
        assert counted(as_operator, HOME) == few

    def test_is_one_click_from_the_agents_for_who_makes_some(self, as_owner: Client, as_member: Client) -> None:
        assert page(as_owner.get("/agentos/agents/")).has(f"a[href='{HOME}']")
        assert page(as_owner.get("/agentos/agents/")).has(f"#new-agent[href='{HOME}new/']")
        assert not page(as_member.get("/agentos/agents/")).has(f"a[href='{HOME}']")


class TestNew:
    @pytest.mark.parametrize(
        ("sent", "field"),
        [
            ({"name": ""}, "#agent-name-error"),
            ({"name": "x" * 81}, "#agent-name-error"),
            ({"name": "A", "agent_id": "A b"}, "#agent-id-error"),
        ],
    )
    def test_says_what_is_wrong_and_loses_nothing(self, as_owner: Client, sent: dict[str, str], field: str) -> None:
        answer = as_owner.post(HOME + "new/", sent)
        found = page(answer)
        assert (answer.status_code, len(found.texts(field))) == (422, 1)
        assert found.one("#agent-name")["value"] == sent["name"]
        assert not DjangoAgent.objects.exists()

    def test_asks_for_the_team_where_there_are_several(self, as_owner: Client, owner: User, support: Team) -> None:
        second = TeamFactory(name="Second")
        MembershipFactory(team=second, user=owner, role=Membership.Role.ADMIN)
        MembershipFactory(team=TeamFactory(name="Third"), user=owner)
        assert page(as_owner.get(HOME + "new/")).texts("#agent-team option") == ["Second", "Support"]
        assert as_owner.post(HOME + "new/", {"name": "A"}).status_code == 403
        as_owner.post(HOME + "new/", {"name": "A", "team": second.pk})
        assert DjangoAgent.objects.get().team == second

    def test_takes_no_team_of_others(self, as_owner: Client, other_team_agent: DjangoAgent) -> None:
        assert as_owner.post(HOME + "new/", {"name": "A", "team": other_team_agent.team_id}).status_code == 403

    def test_of_an_operator_may_have_no_team(self, as_operator: Client) -> None:
        assert as_operator.post(HOME + "new/", {"name": "A"}).status_code == 303
        assert DjangoAgent.objects.get().team is None


class TestEditing:
    def test_shows_what_is_there(self, as_owner: Client, owner: User, team_agent: DjangoAgent) -> None:
        changed = {"tools": ["clock"], "tool_policies": {"clock": "ask"}, "starters": ["A", "B"], "model": "openai:gpt-9"}
        actions.save_draft(agent=team_agent, changes=changed, stamp=None, by=owner)
        found = page(as_owner.get(url(team_agent)))
        assert found.one("#draft-name")["value"] == "Support Writer"
        assert found.one("#draft-starters").get_text().strip("\n") == "A\nB"
        assert found.one("input[name='tool:clock'][checked]")["value"] == "ask"
        assert found.one("input[name='tool:calculator'][checked]")["value"] == "off"
        assert found.one("input[name=model][checked]")["value"] == "other"
        assert found.one("#other-model")["value"] == "openai:gpt-9"
        assert "saved by Olga Owner" in found.text(".draft-note")

    def test_takes_a_model_that_is_typed(self, as_owner: Client, draft: DjangoAgent) -> None:
        as_owner.post(url(draft), {**FORM, "model": "other", "other_model": " scripted:echo ", "stamp": stamp(draft)})
        assert queries.worked_on(draft, queries.draft_of(draft))["model"] == "scripted:echo"

    def test_says_what_is_wrong_and_loses_nothing(self, as_owner: Client, draft: DjangoAgent) -> None:
        answer = as_owner.post(url(draft), {**FORM, "starters": "\n".join("abcde"), "description": "d" * 301, "stamp": stamp(draft)})
        found = page(answer)
        assert answer.status_code == 422
        assert found.has("#draft-starters-error")
        assert found.has("#draft-description-error")
        assert "Be brief." in found.one("#draft-instructions").get_text()
        assert queries.worked_on(draft, queries.draft_of(draft))["instructions"] == ""

    def test_over_somebody_else_is_told_with_what_differs(
        self, as_owner: Client, as_operator: Client, operator: User, team_agent: DjangoAgent
    ) -> None:
        seen = stamp(team_agent)
        as_operator.post(url(team_agent), {**FORM, "instructions": "Theirs\n\nEnd", "stamp": seen})
        answer = as_owner.post(url(team_agent), {**FORM, "instructions": "Mine\r\n\r\nEnd", "stamp": seen})
        found = page(answer)
        assert answer.status_code == 409
        assert "Otto Operator" in found.text("#save-error")
        assert (found.texts("#save-error .change h3"), found.texts("#save-error del"), found.texts("#save-error ins")) == (
            ["Instructions"], ["Theirs"], ["Mine"],
        )  # fmt: skip
        assert "Mine" in found.one("#draft-instructions").get_text()
        again = {**FORM, "instructions": "Mine", "stamp": found.one("#draft input[name=stamp]")["value"]}
        assert as_owner.post(url(team_agent), again).status_code == 303
        assert queries.worked_on(team_agent, queries.draft_of(team_agent))["instructions"] == "Mine"

    def test_says_why_a_tool_of_a_connection_cannot_be_called_now(self, as_owner: Client, team_agent: DjangoAgent, support: Team) -> None:
        server = RemoteServerFactory(name="Shop", slug="shop", team=support, is_active=False)
        RemoteToolFactory(server=server, name="track_parcel")
        DjangoAgent.objects.update(tools=["mcp:shop/track_parcel"])
        found = page(as_owner.get(url(team_agent)))
        card = found.text(".tool-card:has(input[name='tool:mcp:shop/track_parcel'])")
        assert card.startswith("Shop: Track parcel Not available now: The connection Shop is switched off.")
        assert "not offered here" not in found.text("#draft")
        as_owner.post(url(team_agent), {**FORM, "tool:mcp:shop/track_parcel": "ask", "stamp": stamp(team_agent)})
        assert queries.worked_on(team_agent, queries.draft_of(team_agent))["tools"] == ["mcp:shop/track_parcel"]

    def test_keeps_a_tool_that_is_gone_until_it_is_turned_off(self, as_owner: Client, team_agent: DjangoAgent) -> None:
        DjangoAgent.objects.update(tools=["gone", "clock"])
        found = page(as_owner.get(url(team_agent)))
        assert "not offered here" in found.text(".tool-card:has(input[name='tool:gone'])")
        as_owner.post(url(team_agent), {**FORM, "tool:gone": "ask", "tool:clock": "auto", "stamp": stamp(team_agent)})
        assert queries.worked_on(team_agent, queries.draft_of(team_agent))["tools"] == ["gone", "clock"]
        answer = as_owner.get(url(team_agent, "publish"))
        assert "gone" in page(answer).text("#not-ready")
        as_owner.post(url(team_agent), {**FORM, "tool:gone": "off", "tool:clock": "auto", "stamp": stamp(team_agent)})
        assert queries.worked_on(team_agent, queries.draft_of(team_agent))["tools"] == ["clock"]

    def test_previews_the_instructions(self, as_owner: Client, draft: DjangoAgent) -> None:
        sent = {**FORM, "instructions": "**Bold** <script>alert(1)</script>", "stamp": "kept"}
        whole, part = as_owner.post(url(draft, "preview"), sent), as_owner.post(url(draft, "preview"), sent, headers={"HX-Request": "true"})
        for answer in (whole, part):
            assert page(answer).texts("#preview strong") == ["Bold"]
            assert not page(answer).has("#preview script")
        assert page(whole).one("#draft input[name=stamp]")["value"] == "kept"
        assert not page(part).has("#draft")

    def test_tells_an_operator_what_a_model_needs_and_others_whom_to_ask(
        self, as_owner: Client, as_operator: Client, owner: User, team_agent: DjangoAgent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        actions.save_draft(agent=team_agent, changes={"model": "openai:gpt-5.4"}, stamp=None, by=owner)
        assert "OPENAI_API_KEY" in page(as_operator.get(url(team_agent))).text(".draft-warnings")
        assert page(as_owner.get(url(team_agent))).text(".draft-warnings").endswith("Ask your administrator.")

    def test_offers_what_can_be_used(self, as_owner: Client, draft: DjangoAgent) -> None:
        assert page(as_owner.get(url(draft))).has("input[name=model][value='scripted:echo']")
        with override_settings(AGENTOS_SCRIPTED_MODELS=False):
            found = page(as_owner.get(url(draft)))
        assert not found.has("input[name=model][value='scripted:echo']")
        assert not found.has("input[name='tool:letterbox']")

    def test_offers_connections_of_its_team_and_of_no_other(self, as_owner: Client, draft: DjangoAgent) -> None:
        for team, slug in ((draft.team, "ours"), (TeamFactory(), "theirs"), (None, "all")):
            RemoteToolFactory(server=RemoteServerFactory(slug=slug, team=team), name="look", policy="ask")
        shown = page(as_owner.get(url(draft)))
        assert [shown.has(f"[name='tool:mcp:{slug}/look']") for slug in ("ours", "theirs", "all")] == [True, False, True]

    def test_discards(self, as_owner: Client, owner: User, team_agent: DjangoAgent) -> None:
        actions.save_draft(agent=team_agent, changes={"name": "X"}, stamp=None, by=owner)
        as_owner.post(url(team_agent, "discard"), {"stamp": "1-0"})
        assert queries.draft_of(team_agent).blueprint is not None
        as_owner.post(url(team_agent, "discard"), {"stamp": stamp(team_agent)})
        assert queries.draft_of(team_agent).blueprint is None


TEAM = {**FORM, "model": "scripted:lead", "kind": "team", "mode": "route"}


class TestSavingByItself:
    HTMX = {"HX-Request": "true"}  # noqa: RUF012

    def test_answers_with_the_next_stamp_and_is_told_once_in_the_audit(self, as_owner: Client, draft: DjangoAgent) -> None:
        AgentDraft.objects.update(updated_at=clock.now() - timedelta(minutes=11))
        for name in ("Letters", "Letters!"):
            sent = {**FORM, "name": name, "do": "autosave", "stamp": stamp(draft)}
            answer = as_owner.post(url(draft), sent, headers=self.HTMX)
            assert page(answer).one("input[name=stamp]")["value"] == stamp(draft)
            assert "Saved" in page(answer).text("#draft-bar")
        assert queries.worked_on(draft, queries.draft_of(draft))["name"] == "Letters!"
        assert AuditRecord.objects.filter(verb="agents.draft.saved").count() == 1

    def test_saves_nothing_over_what_was_saved_elsewhere(self, as_owner: Client, owner: User, draft: DjangoAgent) -> None:
        old = stamp(draft)
        actions.save_draft(agent=draft, changes={"name": "Theirs"}, stamp=None, by=owner)
        answer = as_owner.post(url(draft), {**FORM, "do": "autosave", "stamp": old}, headers=self.HTMX)
        assert page(answer).has("#draft-bar[data-stuck]")
        assert page(answer).one("input[name=stamp]")["value"] == old
        assert queries.worked_on(draft, queries.draft_of(draft))["name"] == "Theirs"

    def test_says_what_cannot_be_kept_and_adds_no_member(self, as_owner: Client, draft: DjangoAgent, team_agent: DjangoAgent) -> None:
        sent = {**FORM, "kind": "team", "new_member": team_agent.agent_id, "do": "autosave", "stamp": stamp(draft)}
        as_owner.post(url(draft), sent, headers=self.HTMX)
        assert queries.worked_on(draft, queries.draft_of(draft))["members"] == []
        sent |= {"name": "x" * 81, "stamp": stamp(draft)}
        assert "Not saved. Name: At most 80" in page(as_owner.post(url(draft), sent, headers=self.HTMX)).text("#draft-bar")

    def test_saving_by_the_button_sends_the_form_and_leaves_the_rest(self, as_owner: Client, draft: DjangoAgent) -> None:
        sent = {**FORM, "do": "save", "stamp": stamp(draft), "open": "tools"}
        answer = as_owner.post(url(draft), sent, headers=self.HTMX)
        assert page(answer).has("#draft details#tools[open]")
        assert not page(answer).has("#try")
        refused = as_owner.post(url(draft), {**sent, "name": "x" * 81, "stamp": stamp(draft)}, headers=self.HTMX)
        assert (refused.status_code, refused.headers["HX-Reswap"]) == (422, "none")
        assert page(refused).has("#draft-name-error")


class TestMembers:
    @pytest.fixture
    def ann(self, support: Team) -> DjangoAgent:
        return AgentFactory(agent_id="ann", name="Ann <b>", team=support)

    def kept(self, agent: DjangoAgent) -> list[tuple[str, str]]:
        blueprint = queries.worked_on(agent, queries.draft_of(agent))
        return [(each["agent"], each["task"]) for each in blueprint["members"]]

    def test_are_chosen_ordered_and_published(
        self, as_owner: Client, draft: DjangoAgent, team_agent: DjangoAgent, ann: DjangoAgent
    ) -> None:
        offered = page(as_owner.get(url(draft))).texts("#new-member option")
        assert offered == ["Choose an agent", "Ann <b>", "Support Writer"]
        as_owner.post(url(draft), {**TEAM, "new_member": "ann", "new_task": " Counts. ", "stamp": stamp(draft)})
        sent = {**TEAM, "member": ["ann"], "member_task": ["Counts."], "new_member": "support-writer", "stamp": stamp(draft)}
        as_owner.post(url(draft), sent)
        assert self.kept(draft) == [("ann", "Counts."), ("support-writer", "")]
        found = page(as_owner.get(url(draft)))
        assert found.texts(".member-card .who strong") == ["Ann <b>", "Support Writer"]
        assert (found.one("[name=kind][checked]")["value"], found.one("[name=mode][checked]")["value"]) == ("team", "route")
        as_owner.post(url(draft, "publish"), {"stamp": stamp(draft)})
        assert list(draft.roster.values_list("agent__agent_id", flat=True)) == ["ann", "support-writer"]
        assert page(as_owner.get(HOME)).texts("#made-letter-helper .tag")[0] == "Team"

    @pytest.mark.parametrize(
        ("wish", "order"),
        [
            ("up:3", "acb"),
            ("up:1", "abc"),
            ("down:1", "bac"),
            ("down:3", "abc"),
            ("drop:2", "ac"),
            ("drop:9", "abc"),
            ("turn:2", "abc"),
            ("add", "abc"),
        ],
    )
    def test_are_put_in_order_by_buttons_and_nothing_is_saved(self, as_owner: Client, draft: DjangoAgent, wish: str, order: str) -> None:
        sent = {**TEAM, "member": list("abc"), "member_task": ["A.", "B.", "C."], "arrange": wish, "stamp": "kept"}
        whole, part = as_owner.post(url(draft, "members"), sent), as_owner.post(url(draft, "members"), sent, headers={"HX-Request": "true"})
        for answer in (whole, part):
            found = page(answer)
            assert answer.status_code == 200
            assert "".join(str(each["value"]) for each in found.all("[name=member]")) == order
            assert "".join(str(each["value"]) for each in found.all("[name=member_task]")) == ".".join(order.upper()) + "."
        assert page(whole).one("#draft input[name=stamp]")["value"] == "kept"
        assert "Be brief." in page(whole).one("#draft-instructions").get_text()
        assert not page(part).has("#draft")
        assert self.kept(draft) == []

    def test_that_cannot_be_are_said_at_the_field_and_nothing_is_lost(
        self, as_owner: Client, draft: DjangoAgent, ann: DjangoAgent, other_team_agent: DjangoAgent
    ) -> None:
        for agent_id, said in (
            ("letter-helper", "A team cannot be a member of itself."),
            (other_team_agent.agent_id, f"There is no agent '{other_team_agent.agent_id}' here that you may choose."),
            ("a\0b", "There is no agent 'a�b' here that you may choose."),
        ):
            sent = {**TEAM, "member": ["ann", agent_id], "member_task": ["Counts.", "Helps."], "stamp": stamp(draft)}
            answer = as_owner.post(url(draft), sent)
            found = page(answer)
            assert answer.status_code == 422
            assert found.text("#draft-members-error").startswith(said)
            assert [each["value"] for each in found.all("[name=member_task]")] == ["Counts.", "Helps."]
            assert other_team_agent.name not in found.text("#members")
        assert self.kept(draft) == []

    def test_of_one_agent_are_none(self, as_owner: Client, draft: DjangoAgent, ann: DjangoAgent) -> None:
        as_owner.post(url(draft), {**TEAM, "kind": "agent", "member": ["ann"], "member_task": [""], "stamp": stamp(draft)})
        assert self.kept(draft) == []
        assert as_owner.post(url(draft), {**TEAM, "kind": "band", "stamp": stamp(draft)}).status_code == 422

    def test_are_asked_for_in_as_many_queries_for_many(self, as_owner: Client, owner: User, draft: DjangoAgent, support: Team) -> None:
        counts = []
        for number in range(6):
            AgentFactory(agent_id=f"a{number}", team=support)
            members = [{"agent": f"a{each}", "task": ""} for each in range(number + 1)]
            actions.save_draft(agent=draft, changes={"kind": "team", "members": members}, stamp=None, by=owner)
            counts.append(counted(as_owner, url(draft)))
        assert counts[1:] == counts[:-1]


class TestPublishing:
    def test_says_what_is_missing(self, as_owner: Client, draft: DjangoAgent) -> None:
        for answer in (as_owner.get(url(draft, "publish")), as_owner.post(url(draft, "publish"), {"stamp": stamp(draft)})):
            found = page(answer)
            assert found.texts("#not-ready li") == ["Model : Choose the model that answers."]
            assert not found.has("#publish-now")

    def test_of_what_somebody_has_changed_shows_it_first(
        self, as_owner: Client, owner: User, operator: User, team_agent: DjangoAgent
    ) -> None:
        actions.save_draft(agent=team_agent, changes={"name": "A"}, stamp=None, by=owner)
        seen = stamp(team_agent)
        actions.save_draft(agent=team_agent, changes={"name": "B"}, stamp=None, by=operator)
        answer = as_owner.post(url(team_agent, "publish"), {"stamp": seen, "note": "Mine"})
        found = page(answer)
        assert (answer.status_code, found.texts("ins"), found.one("#publish-note")["value"]) == (409, ["B"], "Mine")
        assert not AgentVersion.objects.exists()


class TestVersions:
    @pytest.fixture
    def agent(self, owner: User, team_agent: DjangoAgent) -> DjangoAgent:
        actions.save_draft(agent=team_agent, changes={"instructions": "One.\nTwo."}, stamp=None, by=owner)
        actions.publish_agent(agent=team_agent, note="Two lines", by=owner)
        team_agent.refresh_from_db()
        return team_agent

    def test_are_listed_with_who_and_what_for(self, as_owner: Client, agent: DjangoAgent) -> None:
        rows = [row.get_text(" ", strip=True) for row in page(as_owner.get(url(agent, "versions"))).all(".row-card")]
        assert rows[0].startswith("Version 2 Used now Two lines Olga Owner")
        assert rows[1].startswith("Version 1 ")

    def test_show_what_changed_and_come_back(self, as_owner: Client, agent: DjangoAgent) -> None:
        found = page(as_owner.get(url(agent, "versions", "2")))
        assert (found.texts("del"), found.texts("ins"), found.has("#restore")) == (["SECRET-INSTRUCTIONS"], ["One.", "Two."], False)
        assert page(as_owner.get(url(agent, "versions", "1"))).has("#restore")
        answer = as_owner.post(url(agent, "versions", "1", "restore"), follow=True)
        assert "as version 3" in page(answer).text("#notices")
        agent.refresh_from_db()
        assert (agent.version, agent.instructions) == (3, "SECRET-INSTRUCTIONS")

    @pytest.mark.parametrize("more", [("versions", "9"), ("versions", "9", "restore")])
    def test_that_there_are_not_are_not_found(self, as_owner: Client, agent: DjangoAgent, more: tuple[str, ...]) -> None:
        ask: Any = as_owner.post if "restore" in more else as_owner.get
        assert ask(url(agent, *more)).status_code == 404

    def test_cost_as_much_when_there_are_many(self, as_owner: Client, agent: DjangoAgent) -> None:
        few = counted(as_owner, url(agent, "versions"))
        AgentVersion.objects.bulk_create(AgentVersion(agent=agent, number=number, blueprint={}) for number in range(3, 200))
        assert counted(as_owner, url(agent, "versions")) == few


class TestSharing:
    def test_of_an_owner_is_among_their_teams(self, as_owner: Client, owner: User, team_agent: DjangoAgent, pro: Plan) -> None:
        second = TeamFactory()
        MembershipFactory(team=second, user=owner, role=Membership.Role.OWNER)
        found = page(as_owner.get(url(team_agent, "share")))
        assert not found.has("#share-global")
        assert not found.has("input[name=plans]")
        assert as_owner.post(url(team_agent, "share"), {"team": second.pk}).status_code == 303
        assert as_owner.post(url(team_agent, "share"), {"team": second.pk, "is_global": "on"}).status_code == 403
        as_owner.post(url(team_agent, "share"), {"team": second.pk, "plans": [pro.pk]})
        team_agent.refresh_from_db()
        assert (team_agent.team, team_agent.is_global, list(team_agent.plans.all())) == (second, False, [])

    def test_of_an_operator_is_free(self, as_operator: Client, team_agent: DjangoAgent, pro: Plan) -> None:
        as_operator.post(url(team_agent, "share"), {"team": "", "is_global": "on", "plans": [pro.pk]})
        team_agent.refresh_from_db()
        assert (team_agent.team, team_agent.is_global, list(team_agent.plans.all())) == (None, True, [pro])

    def test_turns_it_off_and_on(self, as_owner: Client, team_agent: DjangoAgent, draft: DjangoAgent) -> None:
        for on, is_active in (("0", False), ("1", True)):
            as_owner.post(url(team_agent, "switch"), {"on": on})
            team_agent.refresh_from_db()
            assert team_agent.is_active is is_active
        assert "Publish it first" in page(as_owner.post(url(draft, "switch"), {"on": "1"}, follow=True)).text("#notices")

    def test_deletes_a_draft_only(self, as_owner: Client, team_agent: DjangoAgent, draft: DjangoAgent) -> None:
        as_owner.post(url(draft, "delete"))
        as_owner.post(url(team_agent, "delete"))
        assert list(DjangoAgent.objects.all()) == [team_agent]
