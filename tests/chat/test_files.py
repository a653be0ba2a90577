"""Files of messages: who sends them, who sees them, and that they go where the message goes."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.chat import actions, files
from agentos.chat.errors import InvalidInput
from agentos.chat.files import attachment_for, attachments_of, keep_made, pending, place_of
from agentos.chat.models import ChatSession, Run, RunFile
from agentos.chat.runs import reaper
from agentos.core import clock
from agentos.files.actions import attach
from agentos.files.keeping import keep_bytes
from agentos.files.models import Attachment, Blob

pytestmark = pytest.mark.django_db


def given(user: User, session: ChatSession, name: str = "report.txt", data: bytes = b"what we found") -> Attachment:
    return attach(by=user, blob=keep_bytes(owner=user, data=data, name=name), name=name, place=place_of(session=session))


def sent(user: User, session: ChatSession, *attachments: Attachment, text: str = "Look at this") -> Run:
    run = actions.send_message(by=user, text=text, session=session, files=[each.file_id for each in attachments])
    Run.objects.filter(pk=run.pk).update(status=Run.Status.COMPLETED)
    run.refresh_from_db()
    return run


class TestSending:
    def test_takes_the_senders_own_in_their_order(self, member: User, session: ChatSession) -> None:
        first, second = given(member, session), given(member, session, "b.txt", b"more")
        run = sent(member, session, second, first, text="")
        assert [row.attachment for row in attachments_of([run])[run.pk]] == [second, first]
        assert (run.input, run.session.title) == ("", "b.txt")
        assert pending(member, session.session_id) == []

    def test_refuses_whatever_else(self, member: User, owner: User, session: ChatSession) -> None:
        mine, taken = given(member, session), given(member, session, "b.txt", b"more")
        sent(member, session, taken)
        foreign = given(owner, session, "secret.txt")
        for wrong in ([foreign.file_id], [taken.file_id], [mine.file_id, "file_of_nobody"], [mine.file_id, foreign.file_id]):
            with pytest.raises(InvalidInput) as refused:
                actions.send_message(by=member, text="Look", session=session, files=wrong)
            assert refused.value.field == "files"
        assert pending(member, session.session_id) == [mine]
        assert RunFile.objects.count() == 1

    def test_again_under_its_key_changes_nothing(self, member: User, session: ChatSession) -> None:
        mine = given(member, session)
        how: Any = {"by": member, "text": "Look", "session": session, "files": [mine.file_id], "idempotency_key": "k"}
        assert actions.send_message(**how) == actions.send_message(**how)
        assert RunFile.objects.count() == 1


class TestSeeing:
    def test_follows_the_chat(self, member: User, owner: User, operator: User, session: ChatSession) -> None:
        waiting, file = given(member, session, "later.txt", b"later"), given(member, session)
        run = sent(member, session, file)
        made = keep_made(run=run, blob=keep_bytes(owner=member, data=b"a,b", name="t.csv"), name="t.csv", origin="tool")
        for each in (waiting, file, made):
            assert attachment_for(member, each.file_id) == each
            assert attachment_for(owner, each.file_id) is None
            assert attachment_for(operator, each.file_id) is None
        actions.delete_session(session=session, by=member)
        assert attachment_for(member, file.file_id) is None
        actions.restore_session(session=session, by=member)
        assert attachment_for(member, file.file_id) == file

    def test_costs_as_many_queries_for_many(self, member: User, session: ChatSession) -> None:
        runs = [sent(member, session, given(member, session, f"{n}.txt", b"%d" % n)) for n in range(3)]
        plain = actions.send_message(by=member, text="no file", session=session)
        for asked, count in (([plain], 0), (runs[:1], 1), ([*runs, plain], 1)):
            with CaptureQueriesContext(connection) as queries:
                found = attachments_of(asked)
                assert all(row.attachment.size for rows in found.values() for row in rows)
            assert len(queries) == count


class TestVersions:
    def test_have_the_files_of_the_message(self, member: User, session: ChatSession, scripted: DjangoAgent) -> None:
        run = sent(member, session, given(member, session))
        keep_made(run=run, blob=keep_bytes(owner=member, data=b"a,b", name="t.csv"), name="t.csv", origin="tool")
        retry = actions.retry_run(run=run, by=member)
        assert [each.name for each in files.of_message(retry)] == ["report.txt"]
        assert retry.file_count == 1
        Run.objects.update(status=Run.Status.COMPLETED)
        edited = actions.edit_message(run=retry, text="", by=member)
        assert [each.name for each in files.of_message(edited)] == ["report.txt"]
        Run.objects.update(status=Run.Status.COMPLETED)
        actions.choose_version(run=run, by=member)
        fork = actions.fork_session(session=session, through_turn=1, by=member)
        actions.delete_session(session=session, by=member)
        copy = fork.runs.get()
        assert [row.attachment.name for row in attachments_of([copy])[copy.pk]] == ["report.txt", "t.csv"]
        assert copy.file_count == 2
        assert attachment_for(member, files.of_message(copy)[0].file_id)

    def test_with_a_fork_in_as_many_queries_for_many_turns(self, member: User, session: ChatSession) -> None:
        asked = []
        for number in range(4):
            sent(member, session, given(member, session, data=b"%d" % number))
            with CaptureQueriesContext(connection) as queries:
                actions.fork_session(session=session, through_turn=number + 1, by=member)
            asked.append(sum("runfile" in query["sql"] for query in queries))
        assert asked == [asked[0]] * 4


class TestGoing:
    def test_with_the_chat(self, member: User, session: ChatSession) -> None:
        run = sent(member, session, given(member, session))
        fork = actions.fork_session(session=session, through_turn=1, by=member)
        gone = sent(member, session, given(member, session, "b.txt", b"more"))
        for chat, left in ((session, 1), (fork, 0)):
            actions.delete_session(session=chat, by=member)
            ChatSession.objects.filter(pk=chat.pk).update(deleted_at=clock.now() - timedelta(hours=2))
            Blob.objects.update(sweep_after=clock.now() - timedelta(seconds=1))
            reaper.sweep()
            reaper.sweep()
            assert Attachment.objects.count() == Blob.objects.count() == left, (run, gone)

    def test_with_the_turn(self, member: User, session: ChatSession) -> None:
        run = sent(member, session, given(member, session))
        actions.erase_run(run=run, by=member)
        run.refresh_from_db()
        assert run.file_count == 0
        reaper.sweep()
        assert not Attachment.objects.exists()
