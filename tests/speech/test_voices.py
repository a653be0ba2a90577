"""What a server of voices is asked, what is kept of it, and what goes wrong."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from agentos.speech import voices
from agentos.speech.voices import NotSpoken
from tests.agents.web import Site, answer

WHERE = "/v1/audio/speech"
SOUND = b"ID3 and more"


@pytest.fixture
async def site(settings: Any) -> AsyncIterator[Site]:
    voices.forget()
    async with Site() as site:
        settings.AGENTOS_VOICE_URL = site.url + "/v1"
        settings.AGENTOS_VOICE_KEY = "key-of-the-operator"
        site.pages[WHERE] = answer(SOUND, kind="audio/mpeg")
        yield site
    voices.forget()


async def test_a_sentence_is_asked_for_once(site: Site) -> None:
    assert await voices.say(" Good\nmorning. ") == (SOUND, "audio/mpeg")
    assert await voices.say("Good morning.") == (SOUND, "audio/mpeg")
    (asked,) = site.asked
    assert json.loads(asked.body) == {"model": "tts-1", "voice": "alloy", "input": "Good morning.", "response_format": "mp3"}
    assert asked.headers["authorization"] == "Bearer key-of-the-operator"


async def test_another_voice_is_another_sound(site: Site, settings: Any) -> None:
    await voices.say("Good morning.")
    settings.AGENTOS_VOICE_NAME = "nova"
    await voices.say("Good morning.")
    assert len(site.asked) == 2


async def test_what_is_kept_has_an_end(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voices, "KEPT", 2 * len(SOUND))
    for text in ("One.", "Two.", "One.", "Three.", "One."):
        await voices.say(text)
    assert len(site.asked) == 3  # "One." was wanted last
    await voices.say("Two.")
    assert len(site.asked) == 4


@pytest.mark.parametrize(
    ("reply", "sentence"), [(answer(b"", status=429), "too often"), (answer(b"", status=401), "401"), (answer(b""), "200")]
)
async def test_a_server_that_does_not_do_it_is_told_of(site: Site, reply: bytes, sentence: str) -> None:
    site.pages[WHERE] = reply
    with pytest.raises(NotSpoken, match=sentence):
        await voices.say("Good morning.")


async def test_only_a_sentence_is_said_and_only_where_there_is_a_voice(site: Site, settings: Any) -> None:
    for text in ("", " ", "x" * 3000):
        with pytest.raises(NotSpoken, match="characters"):
            await voices.say(text)
    settings.AGENTOS_VOICE_URL = ""
    with pytest.raises(NotSpoken, match="No voice"):
        await voices.say("Good morning.")
