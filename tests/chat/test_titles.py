"""What a chat is called: by its first words, and a fork by what it was made of."""

import pytest

from agentos.access.models import User
from agentos.agents.models import DjangoAgent
from agentos.chat import actions
from agentos.chat.models import AUTO_TITLE_LIMIT, TITLE_LIMIT, ChatSession
from agentos.chat.titles import title_of, title_of_fork, title_said


@pytest.mark.parametrize(
    ("message", "title"),
    [
        ("Hello\nthere", "Hello"),
        ("```python\nprint(1)\n```\nWhat does it print?", "What does it print?"),
        ("```\n\n```\n\n~~~~\n```\n~~~~\n  What is it? ", "What is it?"),
        ("Look at this\n```\nx\n```", "Look at this"),
        ("```python\n\n#!\n  total = 1\n```", "total = 1"),
        ("````md\n```\ninner\n```\n````\nwhy?", "why?"),
        ("```\nit never ends", "it never ends"),
        ("   ```js\nx = 1", "x = 1"),
        ("```print(1)```", "print(1)"),
        ("```python\n```", ""),
        ("\U0001f44d", "\U0001f44d"),
        ("???", "???"),
    ],
)
def test_a_title_is_the_first_words(message: str, title: str) -> None:
    assert title_of(message) == title


def test_a_title_is_short_and_ends_with_a_whole_character() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    assert title_of("x" * (AUTO_TITLE_LIMIT - 3) + family + "yyy") == "x" * (AUTO_TITLE_LIMIT - 3) + "…"


def test_a_chat_that_begins_with_code_is_called_by_its_question(member: User, scripted: DjangoAgent) -> None:
    run = actions.send_message(by=member, agent=scripted, text="```python\nprint(1)\n```\nWhat does it print?")
    assert ChatSession.objects.get(pk=run.session_id).title == "What does it print?"


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("Refund for a Late Parcel", "Refund for a Late Parcel"),
        ('"Refund for a Late Parcel."', "Refund for a Late Parcel"),
        ("# Title: **\u201cA refund\u201d**\n", "A refund"),
        ("Here is a title:\n\n*A refund*", "A refund"),
        ("```\nA refund\n```", "A refund"),
        ("1. How `ls` **sorts**", "How ls sorts"),
        ("- Titel: \u00ab Die R\u00fcckgabe \u00bb", "Die R\u00fcckgabe"),
        ("\u6a19\u984c\uff1a\u9000\u6b3e\u3002", "\u9000\u6b3e"),
        ("What is it?", "What is it?"),
        ('"A" and "B"', '"A" and "B"'),
        ("__init__ explained", "__init__ explained"),
        ("2*3*4 is 24", "2*3*4 is 24"),
        ("A\u202erefund\u200b \t now", "Arefund now"),
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467 trip", "\U0001f468\u200d\U0001f469\u200d\U0001f467 trip"),
        ("C#", "C#"),
    ],
)
def test_a_title_is_taken_out_of_what_a_model_says(said: str, title: str) -> None:
    assert title_said(said, "My parcel is late") == title


@pytest.mark.parametrize(
    "said",
    [
        *("", " \n", "...", "\U0001f44d", '""', "**", "Title:", "Untitled", "New chat"),
        *("My parcel is late", "my parcel is late.", '"My parcel  is late"'),
        *("I cannot help with that.", "I'm sorry, but no", "Sorry, I can\u2019t", "As an AI, no", "Es tut mir leid, nein"),
        *("A title\nand\nfour\nlines", "word " * 21),
    ],
)
def test_what_is_no_title_is_dropped(said: str) -> None:
    assert title_said(said, "My parcel is late") == ""


def test_a_long_title_is_cut_at_a_whole_character() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    assert title_said("x" * (AUTO_TITLE_LIMIT - 3) + family + "yyy", "") == "x" * (AUTO_TITLE_LIMIT - 3) + "\u2026"


@pytest.mark.parametrize(
    ("title", "fork"),
    [
        ("Tour", "Tour (fork)"),
        ("Tour (fork)", "Tour (fork)"),
        ("Tour (fork) (fork)", "Tour (fork)"),
        ("(fork) of a road", "(fork) of a road (fork)"),
        ("", ""),
        ("x" * TITLE_LIMIT, "x" * (TITLE_LIMIT - 8) + "… (fork)"),
    ],
)
def test_a_fork_of_a_fork_has_no_longer_title(title: str, fork: str) -> None:
    assert title_of_fork(title) == fork


def test_a_fork_is_called_so(session: ChatSession, member: User) -> None:
    actions.rename_session(session=session, title="Tour", by=member)
    first = actions.fork_session(session=session, through_turn=0, by=member)
    assert [first.title, actions.fork_session(session=first, through_turn=0, by=member).title] == ["Tour (fork)", "Tour (fork)"]


@pytest.mark.parametrize(("title", "shown"), [("Tour", "Tour"), ("", "New chat")])
def test_a_chat_without_a_title_is_a_new_one(title: str, shown: str) -> None:
    assert ChatSession(title=title).title_or_new == shown
