"""Recordings are written down: by a server of OpenAI's protocol, by the model in a package where that is installed, and in trials."""

import json
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from agentos import speech
from agentos.speech import NotHeard, local
from tests.agents.web import Site, answer

SENTENCE = Path(__file__).with_name("sentence.webm").read_bytes()
SAID = "Please remind me to call the dentist on Tuesday morning at 10."
WHERE = "/v1/audio/transcriptions"


@pytest.fixture
async def site(settings: Any) -> AsyncIterator[Site]:
    async with Site() as site:
        settings.AGENTOS_SPEECH_URL = site.url + "/v1/"
        settings.AGENTOS_SPEECH_KEY = "key-of-the-operator"
        yield site


def says(text: Any, **more: Any) -> bytes:
    return answer(json.dumps({"text": text, **more}).encode(), kind="application/json")


class TestByAServer:
    async def test_gets_the_recording_and_its_language(self, site: Site) -> None:
        site.pages[WHERE] = says(" Guten Tag. ", language="de")
        heard = await speech.write_down(SENTENCE, "audio/webm", "de")
        assert (heard.text, heard.language) == ("Guten Tag.", "de")
        (asked,) = site.asked
        assert asked.headers["authorization"] == "Bearer key-of-the-operator"
        assert SENTENCE in asked.body
        for part in (b'filename="recording.webm"', b"audio/webm", b'name="model"', b"whisper-1", b'name="language"'):
            assert part in asked.body

    @pytest.mark.parametrize("noise", ["", " ", "(beeps)", "[BLANK_AUDIO]", "♪♪", "*sighs*", "..."])
    async def test_of_noise_is_nothing(self, site: Site, noise: str) -> None:
        site.pages[WHERE] = says(noise)
        assert (await speech.write_down(SENTENCE, "audio/webm")).text == ""

    async def test_keeps_what_is_said_beside_noise(self, site: Site) -> None:
        site.pages[WHERE] = says("(laughs) Well, yes.")
        assert (await speech.write_down(SENTENCE, "audio/webm")).text == "(laughs) Well, yes."

    @pytest.mark.parametrize(
        ("reply", "sentence"),
        [
            (answer(b"", status=401), "key may be wrong"),
            (answer(b"", status=429), "asked too often"),
            (answer(b"", status=500), "answered with 500"),
            (answer(b"[]", kind="application/json"), "cannot be read"),
        ],
    )
    async def test_that_does_not_do_it_is_said_in_words(self, site: Site, reply: bytes, sentence: str) -> None:
        site.pages[WHERE] = reply
        with pytest.raises(NotHeard, match=sentence):
            await speech.write_down(SENTENCE, "audio/webm")

    async def test_that_is_away(self, settings: Any) -> None:
        settings.AGENTOS_SPEECH_URL = "http://127.0.0.1:9/v1"
        with pytest.raises(NotHeard, match="cannot be reached"):
            await speech.write_down(SENTENCE, "audio/webm")


class TestWithoutOne:
    async def test_a_trial_says_what_it_is(self, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(local, "is_installed", lambda: False)
        settings.AGENTOS_SCRIPTED_MODELS = True
        assert (await speech.write_down(SENTENCE, "audio/webm")).text.startswith("This is a rehearsal")
        assert (await speech.write_down(SENTENCE[:200], "audio/webm")).text == ""

    async def test_it_is_said_that_there_is_none(self, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(local, "is_installed", lambda: False)
        settings.AGENTOS_SCRIPTED_MODELS = False
        assert not speech.is_offered()
        with pytest.raises(NotHeard, match="Nothing is set up"):
            await speech.write_down(SENTENCE, "audio/webm")


@pytest.mark.skipif(not find_spec("faster_whisper"), reason="the extra speech is not installed")
class TestByTheModelInAPackage:
    @pytest.fixture(autouse=True)
    async def _ends(self) -> AsyncIterator[None]:
        yield
        await local.close()

    async def test_writes_down_a_sentence_and_what_there_is_of_one_that_was_cut(self) -> None:
        heard = await speech.write_down(SENTENCE, "audio/webm", "en")
        assert (heard.text, heard.language) == (SAID, "en")
        assert heard.seconds == pytest.approx(3.2, abs=0.1)
        assert (await speech.write_down(SENTENCE[: len(SENTENCE) // 2], "audio/webm", "en")).text.startswith("Please remind me")

    async def test_opens_what_it_was_told_and_nothing_that_the_bytes_name(self) -> None:
        with pytest.raises(NotHeard, match="damaged"):
            await speech.write_down(b"ffconcat version 1.0\nfile /etc/passwd\n", "audio/webm")

    async def test_comes_back_when_it_has_died(self) -> None:
        await speech.write_down(SENTENCE, "audio/webm", "en")
        worker = local._Current.worker
        assert worker is not None
        assert worker.process is not None
        worker.process.kill()
        await worker.process.wait()
        assert (await speech.write_down(SENTENCE, "audio/webm", "en")).text == SAID
