"""What a search finds of a user's chats, and where it says that it was."""

from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.chat import actions
from agentos.chat.listing import page_of_sessions
from agentos.chat.models import ChatSession, Run
from agentos.chat.searching import FOUND_LIMIT, excerpt, excerpts_of, marked, search_sessions, terms_of
from agentos.core import clock
from tests.factories import AgentFactory, ChatSessionFactory, RunFactory

LONG_AGO = timedelta(days=9)


def titles(sessions: list[ChatSession]) -> list[str]:
    return [session.title for session in sessions]


class TestSearch:
    @pytest.fixture(autouse=True)
    def chats(self, member: User) -> None:
        now = clock.now()
        ChatSessionFactory(user=member, title="Old holiday", is_archived=True, updated_at=now - LONG_AGO)
        ChatSessionFactory(user=member, title="New holiday", updated_at=now)
        ChatSessionFactory(user=member, title="Other", is_archived=True)

    def test_looks_into_the_archive_too(self, member: User) -> None:
        """Who looks for a chat does not know any more where it was put."""
        assert titles(search_sessions(member, "holiday")) == ["New holiday", "Old holiday"]

    def test_of_the_archive_stays_in_it(self, member: User) -> None:
        assert titles(search_sessions(member, "holiday", archived=True)) == ["Old holiday"]

    def test_finds_nothing_of_what_was_taken_back(self, member: User) -> None:
        session = ChatSessionFactory(user=member, title="Shown")
        RunFactory(session=session, input="a secret holiday", is_hidden=True, version=0)
        assert titles(search_sessions(member, "secret")) == []

    def test_finds_versions_that_are_not_chosen(self, member: User) -> None:
        session = ChatSessionFactory(user=member, title="Shown")
        other = RunFactory(session=session, input="a secret holiday", is_hidden=True)
        (found,) = search_sessions(member, "secret")
        assert (found.found.run_id, found.found.turn) == (other.run_id, other.turn)  # type: ignore[attr-defined]

    def test_leads_to_what_is_shown_first(self, member: User) -> None:
        session = ChatSessionFactory(user=member, title="Shown")
        shown = RunFactory(session=session, input="a secret holiday")
        RunFactory(session=session, input="a secret holiday", is_hidden=True)
        RunFactory(session=session, input="no secret")
        (found,) = search_sessions(member, "secret holiday")
        assert found.found.run_id == shown.run_id  # type: ignore[attr-defined]

    def test_needs_only_one_of_the_words_that_stand_in_different_places(self, member: User) -> None:
        session = ChatSessionFactory(user=member, title="Plain", agent=AgentFactory(name="Porter", is_global=True))
        RunFactory(session=session, input="asked for", answer="answered with")
        for text in ("plain", "porter", "ASKED", "answered"):
            assert titles(search_sessions(member, text)) == ["Plain"]

    def test_stops_at_what_one_page_can_show(self, member: User) -> None:
        ChatSessionFactory.create_batch(FOUND_LIMIT + 1, user=member, title="Many")
        assert len(search_sessions(member, "many")) == FOUND_LIMIT


class TestWords:
    @pytest.mark.parametrize(
        ("text", "query"),
        [
            ("ПРИВЕТ", "привет"),
            ("Übung", "übung"),
            ("U\u0308bung", "übung"),
            ("Übung", "u\u0308bung"),
            ("STRASSE", "straße"),
            ("ﬁnal", "FINAL"),
            ("one\n\n  two", '"one two"'),
            ("one\n\n  two", "“ONE two”"),
            ("one and two", "two one"),
            ("100 %", "100 %"),
            ("a_b", "a_b"),
            ('say "yes" now', '"yes'),
            ('a lone "', '"'),
        ],
    )
    def test_are_found_however_they_are_written(self, member: User, text: str, query: str) -> None:
        ChatSessionFactory(user=member, title="Other", agent=AgentFactory(name="Nobody"))
        said = ChatSessionFactory(user=member, title="Said", agent=AgentFactory(name="Nobody"))
        RunFactory(session=said, input=text)
        answered = ChatSessionFactory(user=member, title="Answered", agent=AgentFactory(name="Nobody"))
        RunFactory(session=answered, input="?", answer=text)
        ChatSessionFactory(user=member, title=text)
        ChatSessionFactory(user=member, title="Of agent", agent=AgentFactory(name=text))
        assert set(titles(search_sessions(member, query))) == {"Said", "Answered", text, "Of agent"}
        assert {session.title for session in page_of_sessions(member, search=query).sessions} == {"Said", "Answered", text, "Of agent"}

    @pytest.mark.parametrize("query", ['"two one"', "one three", "a%b", "axb"])
    def test_have_to_be_there_all(self, member: User, query: str) -> None:
        RunFactory(session=ChatSessionFactory(user=member), input="one two a_b")
        assert search_sessions(member, query) == []

    def test_may_stand_in_different_turns(self, member: User) -> None:
        session = ChatSessionFactory(user=member, title="Trip", agent=AgentFactory(name="Guide"))
        RunFactory(session=session, turn=1, input="the first thing")
        RunFactory(session=session, turn=2, input="?", answer="the last thing")
        assert titles(search_sessions(member, "last guide first trip")) == ["Trip"]

    def test_are_read_as_words_and_phrases(self) -> None:
        assert terms_of('Big  "Red  Cat" big „x y“ don\'t "to the') == ["big", "red cat", "x y", "don't", "to the"]
        assert len(terms_of(" ".join(map(str, range(99))))) == 8


class TestTexts:
    """They are kept to be searched wherever they are written."""

    def test_of_a_message_and_a_title(self, member: User, scripted: DjangoAgent) -> None:
        run = actions.send_message(by=member, agent=scripted, text="ÜBUNG eins")
        run.refresh_from_db()
        assert (run.searchable, run.session.searchable) == ("übung eins\n", "übung eins")
        actions.rename_session(session=run.session, title="ПРИВЕТ", by=member)
        assert search_sessions(member, "привет") == [run.session]

    def test_of_what_is_erased_are_erased(self, member: User, scripted: DjangoAgent) -> None:
        run = actions.send_message(by=member, agent=scripted, text="Secret")
        actions.erase_run(run=run, by=member)
        run.refresh_from_db()
        session = ChatSession.objects.get()
        assert (run.searchable, session.searchable) == ("", "")

    def test_that_were_there_before_are_written_by_the_migration(self, member: User) -> None:
        run = RunFactory(session=ChatSessionFactory(user=member, title="Ä"), input="B", answer="Ç")
        RunFactory(session=run.session, input="D", answer="")
        ChatSession.objects.update(searchable="")
        Run.objects.update(searchable="")
        import_module("agentos.chat.migrations.0010_searchable").fill(apps, SimpleNamespace(connection=connection))
        assert ChatSession.objects.get().searchable == "ä"
        assert list(Run.objects.order_by("pk").values_list("searchable", flat=True)) == ["b\nç", "d\n"]


class TestWhere:
    def test_is_the_newest_turn_that_has_most_of_the_words(self, member: User) -> None:
        session = ChatSessionFactory(user=member, title="Trip", agent=AgentFactory(name="Guide"))
        RunFactory(session=session, turn=1, input="Red cats", answer="one <b>")
        RunFactory(session=session, turn=2, input="?", answer="A **cat** & the RED dog")
        RunFactory(session=session, turn=3, input="red", answer="")
        (found,) = search_sessions(member, "red cat")
        assert found.found.excerpt == "A **<mark>cat</mark>** &amp; the <mark>RED</mark> dog"  # type: ignore[attr-defined]

    def test_is_the_title_or_the_agent(self, member: User) -> None:
        ChatSessionFactory(user=member, title="Ünder", agent=AgentFactory(name="Guide"))
        found = [search_sessions(member, word)[0].found for word in ("ÜN", "gui")]  # type: ignore[attr-defined]
        assert [(each.title, each.excerpt) for each in found] == [("<mark>Ün</mark>der", ""), ("Ünder", "<mark>Gui</mark>de")]

    def test_is_shown_short_and_cut_at_words(self) -> None:
        text = "many words stand before it here\n" + "word " * 30 + "\n\n  the U\u0308bung " + "after " * 60
        shown = excerpt(text, ["übung"])
        assert shown.startswith("…word word word word the <mark>U\u0308bung</mark> after after")
        assert shown.endswith("…")
        assert len(shown) < 200
        assert excerpt("nothing", ["übung"]) == ""
        assert excerpt("```\nx = 1\n```\nÜbung", ["übung"]) == "x = 1 <mark>Übung</mark>"

    @pytest.mark.parametrize("before", ["", "x\n", "ﬁ ﬁ ﬁ ﬁ\n", "U\u0308" * 50 + " ", "\n\n  \n", "ß" * 99 + "\t\t"])
    def test_is_found_behind_letters_that_fold_to_more_or_fewer(self, before: str) -> None:
        assert "<mark>Target</mark> end" in excerpt(before + "Target end", ["target"])

    def test_is_marked_in_whole_characters(self) -> None:
        assert marked("xe\u0301y e", ["e", "x"]) == "xe\u0301y <mark>e</mark>"
        assert marked("xe\u0301y", ["é"]) == "x<mark>e\u0301</mark>y"
        assert marked("aaa ﬁn", ["aa", "aaa", "fi"]) == "<mark>aaa</mark> <mark>ﬁ</mark>n"
        assert marked("<i>", ["i"]) == "&lt;<mark>i</mark>&gt;"

    def test_takes_the_same_queries_for_any_number_of_chats(self, member: User) -> None:
        counts = []
        for _ in range(2):
            for session in ChatSessionFactory.create_batch(4, user=member):
                RunFactory.create_batch(2, session=session, input="red cat")
            with CaptureQueriesContext(connection) as made:
                search_sessions(member, "red cat")
            counts.append(len(made))
        assert counts == [3, 3]


class TestExcerptsOf:
    def test_are_of_message_and_answer_with_their_places(self, member: User) -> None:
        run = RunFactory(session__user=member, input="Red \U0001f600 cat", answer="No cat here. CAT!")
        RunFactory(session=run.session, input="A cat")
        found = excerpts_of([run.session], "cat red")[run.session_id]
        assert [(each.run, each.of, each.text, each.matches) for each in found] == [
            (run, "message", "Red \U0001f600 cat", [(0, 3), (6, 9)]),
            (run, "answer", "No cat here. CAT!", [(3, 6), (13, 16)]),
        ]

    def test_of_a_title_are_none(self, member: User) -> None:
        session = ChatSessionFactory(user=member, title="Cat")
        assert excerpts_of([session], "cat") == {}
        assert excerpts_of([session], " ") == {}
