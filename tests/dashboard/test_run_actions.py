"""Go on, answer, judge, fork, edit: the forms under an answer."""

from urllib.parse import quote_from_bytes

import pytest
from django.test import Client

from agentos.access.models import User
from agentos.agents.runtime import Answer
from agentos.audit.models import AuditRecord
from agentos.chat import actions
from agentos.chat.errors import InvalidInput
from agentos.chat.models import ChatSession, Feedback, Run
from tests.dashboard.asking import post
from tests.factories import RunFactory
from tests.html import page

STATUS = Run.Status
CONFIRM = {"call_id": "c1", "kind": "confirm", "name": "post_letter", "args": {"to": "Ada"}, "fields": []}
FORM = {
    "call_id": "c2",
    "kind": "input",
    "name": "get_user_input",
    "args": {},
    "fields": [{"name": "nights", "type": "int", "description": "How many?", "value": None}],
}

TRIP = {
    **FORM,
    "call_id": "c3",
    "fields": [
        {"name": "city", "type": "str", "description": "", "value": None},
        {"name": "number_of_nights", "type": "int", "description": "How many?", "value": None},
        {"name": "sea", "type": "bool", "description": "", "value": None},
        {"name": "wishes", "type": "list", "description": "Optional.", "value": None},
    ],
}


def waiting(session: ChatSession, *requirements: object) -> Run:
    run: Run = RunFactory(
        session=session, status=STATUS.WAITING, attempt=1, parts=[], answer="", requirements=list(requirements), agno_output={}
    )
    return run


class TestContinue:
    def test_is_offered_where_an_answer_broke_off(self, as_member: Client, session: ChatSession, url: str) -> None:
        run = RunFactory(session=session, status=STATUS.INTERRUPTED)
        found = page(as_member.get(url))
        assert found.one("#turn-1-continue")
        assert page(post(as_member, f"/agentos/run/{run.run_id}/continue/")).has("#turn-2")

    def test_is_not_offered_for_a_complete_answer(self, as_member: Client, run: Run, url: str) -> None:
        assert not page(as_member.get(url)).has("#turn-1-continue")
        assert post(as_member, f"/agentos/run/{run.run_id}/continue/").status_code == 409


class TestAnswer:
    def test_approves_what_is_stored_whatever_is_posted(self, as_member: Client, session: ChatSession) -> None:
        run = waiting(session, CONFIRM)
        response = post(as_member, f"/agentos/run/{run.run_id}/answer/", {"decision": "yes", "args": '{"to": "Mallory"}', "name": "shell"})
        run.refresh_from_db()
        assert response.status_code == 200
        assert (run.status, run.requirements) == (STATUS.QUEUED, [])
        assert run.answers == [{"call_id": "c1", "confirmed": True, "note": "", "values": {}, "arguments": {}, "lasting": False, "by": ""}]

    def test_changes_the_arguments_before_it_approves(self, as_member: Client, session: ChatSession) -> None:
        run = waiting(session, CONFIRM | {"args": {"to": "Ada", "text": "Hello.\nBye.", "copies": 2, "urgent": True}})
        shown = page(as_member.get(f"/agentos/session/{session.session_id}/"))
        assert [field["name"] for field in shown.all("details.change :is(input[type=text], textarea)")] == [
            f"argument-c1-{name}" for name in ("to", "text", "copies")
        ]
        posted = {"argument-c1-to": "Grace", "argument-c1-text": "Hello.\r\nBye.", "argument-c1-copies": "2"}
        post(as_member, f"/agentos/run/{run.run_id}/answer/", {"decision": "yes", "arguments-c1": "1", **posted})
        run.refresh_from_db()
        assert run.answers[0]["arguments"] == {"to": "Grace", "urgent": False}
        audited = AuditRecord.objects.get(verb="chat.run.answered")
        assert audited.data["changed"] == {"c1": ["to", "urgent"]}
        assert "Grace" not in str(audited.data)

    def test_says_what_is_wrong_with_a_changed_argument_where_it_stands(self, as_member: Client, session: ChatSession) -> None:
        run = waiting(session, CONFIRM | {"args": {"copies": 2}})
        posted = {"decision": "yes", "arguments-c1": "1", "argument-c1-copies": "many"}
        response = post(as_member, f"/agentos/run/{run.run_id}/answer/", posted)
        assert response.status_code == 422
        shown = page(response)
        assert shown.one("details.change")["open"] == ""
        assert "Copies must be a whole number." in shown.text()
        assert shown.one("[name=argument-c1-copies]")["value"] == "many"
        run.refresh_from_db()
        assert run.status == STATUS.WAITING

    def test_changes_no_argument_that_the_call_does_not_have(self, as_member: Client, session: ChatSession) -> None:
        run = waiting(session, CONFIRM)
        with pytest.raises(InvalidInput, match="has no arguments bcc"):
            actions.answer_run(run=run, answers=[Answer("c1", arguments={"bcc": "Mallory"})], by=session.user)

    def test_approves_for_the_chat_only_what_may_last(self, as_member: Client, session: ChatSession) -> None:
        run = waiting(session, CONFIRM | {"lasting": True})
        post(as_member, f"/agentos/run/{run.run_id}/answer/", {"decision": "yes", "lasting-c1": "on"})
        session.refresh_from_db()
        assert session.approved_tools == [CONFIRM["name"]]
        Run.objects.update(status=STATUS.COMPLETED)
        other = waiting(session, CONFIRM)
        assert not page(as_member.get(f"/agentos/session/{session.session_id}/")).has("[name^=lasting]")
        assert post(as_member, f"/agentos/run/{other.run_id}/answer/", {"decision": "yes", "lasting-c1": "on"}).status_code == 422

    def test_shows_what_is_approved_for_the_chat_and_takes_it_back(self, as_member: Client, session: ChatSession) -> None:
        ChatSession.objects.update(approved_tools=["multiply", "look_up"])
        menu = f"/agentos/session/{session.session_id}/manage/"
        assert "Ask again before Calculator" in page(as_member.get(menu)).text()
        url = f"/agentos/session/{session.session_id}/approvals/revoke/"
        assert "Calculator" not in page(post(as_member, url, {"tool": "multiply"})).text()
        assert as_member.post(url, {"tool": "multiply"}).status_code == 302
        session.refresh_from_db()
        assert session.approved_tools == ["look_up"]
        assert AuditRecord.objects.filter(verb="chat.session.approvals_revoked").count() == 1

    def test_refuses_with_a_note(self, as_member: Client, session: ChatSession) -> None:
        run = waiting(session, CONFIRM)
        as_member.post(f"/agentos/run/{run.run_id}/answer/", {"decision": "no", "note-c1": "Not today."})
        run.refresh_from_db()
        assert (run.answers[0]["confirmed"], run.answers[0]["note"]) == (False, "Not today.")

    def test_takes_silence_for_a_no(self, as_member: Client, session: ChatSession) -> None:
        run = waiting(session, CONFIRM)
        as_member.post(f"/agentos/run/{run.run_id}/answer/", {})
        run.refresh_from_db()
        assert run.answers[0]["confirmed"] is False

    def test_fills_in_values_of_their_type(self, as_member: Client, session: ChatSession) -> None:
        run = waiting(session, FORM)
        as_member.post(f"/agentos/run/{run.run_id}/answer/", {"decision": "yes", "value-c2-nights": "3"})
        run.refresh_from_db()
        assert run.answers[0]["values"] == {"nights": 3}

    def test_says_what_is_wrong_at_its_field_and_keeps_what_was_typed(self, as_member: Client, session: ChatSession) -> None:
        """To htmx and to a browser without JavaScript alike."""
        run = waiting(session, TRIP)
        url, typed = f"/agentos/run/{run.run_id}/answer/", {"decision": "yes", "value-c3-number_of_nights": "1e999", "value-c3-sea": "on"}
        for response in (post(as_member, url, typed), as_member.post(url, typed)):
            assert response.status_code == 422
            found = page(response)
            assert found.texts("#turn-1-asks label") == ["City", "Number of nights", "Sea", "Wishes"]
            for field, sentence in (("1", "City is missing."), ("2", "Number of nights must be a whole number.")):
                box = found.one(f"#turn-1-ask-1-field-{field}")
                assert box["aria-invalid"] == box["aria-required"] == "true"
                (error,) = [each for each in str(box["aria-describedby"]).split() if each.endswith("-error")]
                assert found.text(f"#{error}") == sentence
            assert found.one("#turn-1-ask-1-field-2")["value"] == "1e999"
            assert found.text("#turn-1-ask-1-field-2-hint") == "How many?"
            assert found.one("#turn-1-ask-1-field-3").has_attr("checked")
            assert found.one("#turn-1-ask-1-field-1").has_attr("autofocus")
            assert not found.one("#turn-1-ask-1-field-4").has_attr("aria-required")
        run.refresh_from_db()
        assert run.status == STATUS.WAITING

    @pytest.mark.parametrize("odd", ["nan", "inf", "1e999", "[" * 9000, "\0", "\ud800", "9" * 5000, "x" * 20_000])
    def test_breaks_at_no_value(self, as_member: Client, session: ChatSession, odd: str) -> None:
        for kind in ("int", "float", "list", "dict", "bool"):
            run = waiting(session, {**FORM, "fields": [{"name": "x", "type": kind, "description": "", "value": None}]})
            value = quote_from_bytes(odd.encode("utf-8", "surrogatepass"))
            response = as_member.generic(
                "POST",
                f"/agentos/run/{run.run_id}/answer/",
                f"decision=yes&value-c2-x={value}",
                content_type="application/x-www-form-urlencoded",
            )
            assert response.status_code == 422 or (kind == "list" and response.status_code == 303), kind
            run.delete()

    def test_answers_several_calls_one_by_one(self, as_member: Client, session: ChatSession, url: str) -> None:
        run = waiting(session, CONFIRM, {**CONFIRM, "call_id": "c9"})
        assert page(as_member.get(url)).texts("#turn-1-asks .asks-end button") == ["Send answers"]
        as_member.post(f"/agentos/run/{run.run_id}/answer/", {"decision-c1": "yes", "decision-c9": "no"})
        run.refresh_from_db()
        assert [answer["confirmed"] for answer in run.answers] == [True, False]

    def test_comes_too_late_the_second_time(self, as_member: Client, session: ChatSession) -> None:
        run = waiting(session, CONFIRM)
        as_member.post(f"/agentos/run/{run.run_id}/answer/", {"decision": "yes"})
        assert as_member.post(f"/agentos/run/{run.run_id}/answer/", {"decision": "no"}).status_code == 409


class TestFeedback:
    def test_is_given_shown_and_taken_back(self, as_member: Client, run: Run, url: str) -> None:
        post(as_member, f"/agentos/run/{run.run_id}/feedback/", {"value": "up"})
        found = page(as_member.get(url))
        assert found.one("#turn-1-good")["aria-pressed"] == "true"
        post(as_member, f"/agentos/run/{run.run_id}/feedback/", {"value": ""})
        assert not Feedback.objects.exists()

    def test_takes_a_note(self, as_member: Client, run: Run, url: str) -> None:
        post(as_member, f"/agentos/run/{run.run_id}/feedback/", {"value": "down", "note": "It invented a law."})
        assert page(as_member.get(url)).text("#turn-1-note-text") == "It invented a law."


class TestFork:
    def test_leads_to_the_copy_and_links_both(self, as_member: Client, run: Run, url: str) -> None:
        response = as_member.post(f"/agentos/run/{run.run_id}/fork/")
        fork = ChatSession.objects.exclude(pk=run.session_id).get()
        assert (response.status_code, response.headers["Location"]) == (303, f"/agentos/session/{fork.session_id}/")
        assert "Forked from" in page(as_member.get(response.headers["Location"])).text("#chat-header")
        original = page(as_member.get(url))
        assert "1 fork" in original.text("#chat-header")
        assert str(fork) in page(as_member.get(f"/agentos/sessions/?forks={run.session.session_id}")).text("main")


class TestEdit:
    def test_leads_to_the_turn_with_the_new_words(self, as_member: Client, run: Run) -> None:
        response = as_member.post(f"/agentos/run/{run.run_id}/edit/", {"message": "Said better"})
        assert response.headers["Location"] == f"/agentos/session/{run.session.session_id}/#turn-1"
        assert Run.objects.get(session=run.session, is_hidden=False).input == "Said better"

    def test_refuses_nothing_at_all(self, as_member: Client, run: Run) -> None:
        assert post(as_member, f"/agentos/run/{run.run_id}/edit/", {"message": " "}).status_code == 422
        assert ChatSession.objects.count() == 1


class TestVersion:
    def test_shows_another_one(self, as_member: Client, run: Run, member: User) -> None:
        edited = actions.edit_message(run=run, text="Said better", by=member)
        actions.stop_run(run=edited, by=member, code="suspended")
        found = page(as_member.get(f"/agentos/session/{run.session.session_id}/"))
        assert (found.one("#turn-1-previous-edition").attrs["value"], found.one("#turn-1-next-edition").attrs["value"]) == ("1", "")
        found = page(post(as_member, f"/agentos/run/{edited.run_id}/version/", {"edition": "1"}))
        assert (found.one("#turn-1-previous-edition").attrs["value"], found.one("#turn-1-next-edition").attrs["value"]) == ("", "2")
        run.refresh_from_db()
        assert not run.is_hidden

    @pytest.mark.parametrize("number", ["", "0", "9", "x", "99999999"])
    def test_says_that_there_is_no_such_one(self, as_member: Client, run: Run, number: str) -> None:
        answer = post(as_member, f"/agentos/run/{run.run_id}/version/", {"version": number})
        assert (answer.status_code, "no such version" in page(answer).text()) == (404, True)


@pytest.mark.parametrize("what", ["continue", "answer", "feedback", "fork", "edit", "version"])
def test_asking_by_get_is_refused(as_member: Client, run: Run, what: str) -> None:
    assert as_member.get(f"/agentos/run/{run.run_id}/{what}/").status_code == 405
