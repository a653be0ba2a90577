"""Chats from elsewhere: what comes of each format, what is said to be left out, what is refused, and that nothing comes twice."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.chat import actions, quotas
from agentos.chat.errors import AgentClosed
from agentos.chat.exporting import as_json
from agentos.chat.importing import bringing, reading
from agentos.chat.importing.bringing import bring, preview
from agentos.chat.importing.reading import Given, UnreadableExport
from agentos.chat.models import ChatSession, Run
from agentos.chat.queries import history
from tests.chat import exports
from tests.factories import AgentFactory, RunFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent() -> DjangoAgent:
    made: DjangoAgent = AgentFactory(is_global=True)
    return made


def read(value: Any) -> Given:
    found: Given = async_to_sync(reading.read)(value if isinstance(value, bytes) else exports.as_bytes(value))
    return found


def kinds(run: Run) -> list[str]:
    return [part["kind"] for part in run.parts]


class TestFormats:
    def test_a_chat_of_chatgpt_comes_as_it_was_shown(self, owner: User, agent: DjangoAgent) -> None:
        broken = {"title": "Broken", "conversation_id": "c-2"}
        data = exports.zipped(
            {"conversations.json": exports.as_bytes([exports.chatgpt(), broken]), "user.json": b"{}", "dalle/a.webp": b"x"}
        )
        report = bring(given=read(data), agent=agent, by=owner)
        session = ChatSession.objects.get()
        first, second = session.runs.order_by("turn")
        assert (session.title, session.is_archived, session.created_at) == ("Tea", True, datetime.fromtimestamp(exports.SECONDS, UTC))
        assert (first.input, first.answer, first.model, kinds(first)) == ("Which tea?", "Green.", "gpt-5", ["reasoning", "tool", "text"])
        assert (first.parts[1]["name"], first.parts[1]["args"], first.parts[1]["result"]) == ("python", {"code": "1+1"}, "2")
        assert (second.input, second.answer, second.model, second.follows) == ("And this?", "A leaf.", "gpt-4o", first.pk)
        assert report.left_out.counts == {"instructions": 1, "citations": 1, "files": 1, "versions": 1, "empty": 1, "others": 2, "odd": 0}
        assert report.left_out.examples["files"] == ["leaf.png, in “Tea”"]
        assert set(report.left_out.examples["others"]) == {"user.json", "dalle/a.webp"}
        assert all(sentence for sentence, _examples in report.left_out.sentences())

    def test_a_chat_of_open_webui_is_read_from_items_and_from_folded_text(self, owner: User, agent: DjangoAgent) -> None:
        report = bring(given=read([exports.openwebui()]), agent=agent, by=owner)
        first, second = Run.objects.order_by("turn")
        assert (first.answer, kinds(first), first.parts[0]["text"]) == ("Noon.", ["reasoning", "tool", "text"], "Hm.")
        assert (first.parts[1]["name"], first.parts[1]["args"], first.parts[1]["result"]) == ("clock", {"zone": "UTC"}, "noon")
        assert (second.answer, second.parts[1]["result"], second.model) == ("Six.", "six", "llama3")
        assert first.session.is_pinned
        assert report.left_out.counts == {"files": 1, "versions": 1, "odd": 0, "others": 0}

    @pytest.mark.parametrize("nested", [True, False])
    def test_a_chat_of_librechat_comes_from_a_list_and_from_a_tree(self, owner: User, agent: DjangoAgent, nested: bool) -> None:
        report = bring(given=read(exports.librechat(nested=nested)), agent=agent, by=owner)
        run = Run.objects.get()
        assert (run.input, run.answer, run.parts[1]["result"]) == ("One and two?", "Three.", "3")
        assert run.session.created_at == datetime(2024, 5, 1, 10, tzinfo=UTC)
        assert report.left_out.counts == {"versions": 1, "instructions": 1, "odd": 0, "others": 0}

    def test_messages_of_claude_stand_in_the_order_of_their_tree(self, owner: User, agent: DjangoAgent) -> None:
        report = bring(given=read([exports.claude()]), agent=agent, by=owner)
        run = Run.objects.get()
        assert (run.input, run.answer, kinds(run)) == ("Find it", "Here it is.", ["reasoning", "tool", "text"])
        assert report.left_out.examples["files"] == ["notes.txt, in “Search”"]

    def test_our_own_comes_back_as_it_went(self, owner: User, agent: DjangoAgent) -> None:
        tool = {
            "kind": "tool",
            "call_id": "c",
            "name": "web_search",
            "args": {"q": "tea"},
            "status": "failed",
            "result": "R",
            "seconds": 0.5,
        }
        inside = [{"kind": "text", "text": "Inner"}]
        member = {"kind": "delegation", "call_id": "d", "by": "w", "name": "Writer", "task": "Write", "status": "finished", "parts": inside}
        parts = [{"kind": "reasoning", "text": "Hm."}, tool, {**member, "result": "", "seconds": None}, {"kind": "text", "text": "Green."}]
        run = RunFactory(session__user=owner, session__title="Tea", input="Which?", parts=parts, answer="Green.", status="completed")
        RunFactory(session=run.session, turn=2, input="And?", status="stopped")
        before = json.loads(as_json(run.session))
        bring(given=read(as_json(run.session).encode()), agent=agent, by=owner)
        after = json.loads(as_json(ChatSession.objects.exclude(pk=run.session.pk).get()))
        told = ("message", "sent_at", "status", "model", "answer", "parts", "files")
        assert [{name: turn[name] for name in told} for turn in after["turns"]] == [
            {name: turn[name] for name in told} for turn in before["turns"]
        ]
        assert (after["title"], after["created_at"]) == (before["title"], before["created_at"])


class TestBringing:
    def test_nothing_comes_twice(self, owner: User, member: User, agent: DjangoAgent) -> None:
        given = read([exports.chatgpt(), exports.chatgpt("c-2", "Milk"), exports.chatgpt()])
        assert (preview(given, owner).chats, preview(given, owner).known) == (2, 1)
        assert bring(given=given, agent=agent, by=owner).chats == 2
        again = bring(given=given, agent=agent, by=owner)
        assert (again.chats, again.known, ChatSession.objects.count()) == (0, 3, 2)
        assert bring(given=given, agent=agent, by=member).chats == 2
        gone = ChatSession.objects.filter(user=owner, title="Milk").get()
        actions.delete_session(session=gone, by=owner)
        assert bring(given=given, agent=agent, by=owner).chats == 1
        actions.restore_session(session=gone, by=owner)
        assert ChatSession.objects.filter(user=owner, title="Milk", deleted_at=None).count() == 2

    def test_what_came_has_used_nothing_and_is_told_to_the_model(self, owner: User, agent: DjangoAgent) -> None:
        bring(given=read([exports.chatgpt()]), agent=agent, by=owner, archive=True)
        session = ChatSession.objects.get()
        assert quotas.counted(Run.objects.filter(by=owner)).count() == 0
        run = actions.send_message(by=owner, text="And milk?", session=session)
        assert [(turn.message, turn.answer) for turn in history(run, 20)] == [("Which tea?", "Green."), ("And this?", "A leaf.")]
        assert quotas.counted(Run.objects.filter(by=owner)).count() == 1

    def test_an_agent_that_is_closed_gets_none(self, owner: User) -> None:
        with pytest.raises(AgentClosed):
            bring(given=read([exports.chatgpt()]), agent=AgentFactory(), by=owner)
        assert not ChatSession.objects.exists()

    def test_says_what_is_here_when_it_ends_in_the_middle(self, owner: User, agent: DjangoAgent, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bringing, "BATCH", 1)
        given = read([exports.chatgpt(), exports.chatgpt("c-2", "Milk")])
        asked = iter([None, None, AgentClosed("It was taken away.")])

        def taken_away(agent: DjangoAgent, user: User) -> None:
            if problem := next(asked, None):
                raise problem

        monkeypatch.setattr(bringing, "check_agent_open", taken_away)
        report = bring(given=given, agent=agent, by=owner)
        assert (report.chats, report.trouble, ChatSession.objects.count()) == (1, "It was taken away.", 1)
        assert Run.objects.count() == 2

    def test_asks_the_database_no_more_for_many_chats(self, owner: User, agent: DjangoAgent) -> None:
        def queries(given: Given) -> int:
            with CaptureQueriesContext(
                connection,
            ) as asked:
                bring(given=given, agent=agent, by=owner)
            return len([each for each in asked if "audit" not in each["sql"]])

        few = queries(read([exports.chatgpt()]))
        assert queries(read([exports.chatgpt(f"many-{number}") for number in range(20)])) <= few + 3  # rows of a statement are limited


def deep(levels: int) -> bytes:
    return b'[{"mapping": ' + b"[" * levels + b"]" * levels + b"}]"


def with_answer(text: str) -> Any:
    return [{**exports.claude(), "chat_messages": [{"sender": "human", "text": "Q"}, {"sender": "assistant", "text": text}]}]


class TestRefused:
    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            (lambda: b"", "broken"),
            (lambda: b"hello", "broken"),
            (lambda: b'[{"mapping": {}}', "broken"),
            (lambda: b"\x89PNG\r\n\x1a\n\xff", "unknown"),
            (lambda: b'[{"a": 1}, 2]', "unknown"),
            (lambda: b'{"format": "agentos-chat", "version": 99}', "newer"),
            (lambda: deep(100_000), "nested"),
            (lambda: exports.zipped({"conversations.json": b" " * 50_000_000}), "too_large"),
            (lambda: exports.zipped({"a.txt": b"x"}), "unknown"),
            (lambda: exports.zipped({"conversations.json": b"[]"})[:-30], "broken"),
            (lambda: exports.as_bytes([{"mapping": {}}] * 5_001), "too_many"),
        ],
        ids=["nothing", "a word", "cut", "a picture", "other JSON", "newer", "nested", "a bomb", "another zip", "a cut zip", "many"],
    )
    def test_what_cannot_be_read_says_why(self, data: Callable[[], bytes], reason: str) -> None:
        with pytest.raises(UnreadableExport) as refused:
            read(data())
        assert refused.value.reason == reason
        assert refused.value.sentence.endswith((".", "from elsewhere"))

    def test_what_is_odd_inside_is_left_out_and_long_texts_are_cut(self, owner: User, agent: DjangoAgent) -> None:
        odd = exports.chatgpt("odd")
        odd["mapping"]["q1"]["message"]["create_time"] = 1e30
        odd["mapping"]["a1"]["parent"] = "a2"  # a circle
        odd["mapping"]["q2"]["message"]["content"] = 7
        report = bring(given=read([odd, *with_answer("\0long\ud800" * 100_000), 5, None]), agent=agent, by=owner)
        assert (report.left_out.counts["odd"], report.left_out.counts["cut"]) == (2, 1)
        assert len(Run.objects.get(session__title="Search").answer) == 200_000

    def test_a_call_with_deep_arguments_is_told_as_text(self, owner: User, agent: DjangoAgent) -> None:
        nested: Any = "x"
        for _ in range(300):
            nested = [nested]
        chat = exports.claude()
        chat["chat_messages"][0]["content"][1]["input"] = {"q": nested}
        bring(given=read([chat]), agent=agent, by=owner)
        assert set(Run.objects.get().parts[1]["args"]) == {"text"}


class TestCommand:
    def test_brings_and_writes_chats(self, owner: User, agent: DjangoAgent, tmp_path: Any, capsys: Any) -> None:
        source, target = tmp_path / "conversations.json", tmp_path / "chat.json"
        source.write_bytes(exports.as_bytes([exports.chatgpt()]))
        told = ("--for", owner.email, "--agent", agent.agent_id)
        call_command("agentos_chats", "import", str(source), *told, "--preview")
        assert not ChatSession.objects.exists()
        call_command("agentos_chats", "import", str(source), *told)
        said = capsys.readouterr().out
        assert "1 chats with 2 messages would come" in said
        assert "Left out: 1 file or picture: leaf.png, in “Tea”" in said
        call_command("agentos_chats", "export", ChatSession.objects.get().session_id, str(target), "--form", "json")
        assert json.loads(target.read_text())["title"] == "Tea"
        with pytest.raises(CommandError, match="Nobody has"):
            call_command("agentos_chats", "import", str(source), "--for", "nobody@example.com", "--agent", agent.agent_id)
