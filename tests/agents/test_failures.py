"""The sentences of what can go wrong."""

import re

import pytest

from agentos.agents import failures
from agentos.conf import app_settings


class TestSentences:
    @pytest.mark.parametrize("code", sorted(failures.CODES))
    def test_say_what_is_safe_and_are_not_a_code(self, code: str) -> None:
        said = failures.sentence(code)
        assert re.search(r"is saved|is kept", said)
        assert said.endswith(".")
        assert not re.search(r"[_{}]|[Oo]ops|Error", said)

    def test_name_the_seconds_that_are_set(self, settings) -> None:
        settings.AGENTOS_SILENCE_TIMEOUT = 45
        assert "45 s" in failures.sentence("model_silent")

    def test_an_unknown_code_is_an_internal_failure(self) -> None:
        assert failures.sentence("nothing-like-it") == failures.sentence("internal")

    def test_codes_fit_the_column_of_a_run(self) -> None:
        assert max(map(len, failures.CODES)) <= 32

    def test_only_what_may_pass_by_itself_is_tried_again(self) -> None:
        assert failures.RETRYABLE <= failures.CODES
        assert not failures.RETRYABLE & {"model_auth", "model_rejected", "context_too_long", "tool_limit", "run_timeout"}


def test_sentences_are_those_of_the_language_of_who_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = {
        "The model did not answer for {silence} s. Your message is saved. Try again.": "Nach {silence} s keine Antwort.",
        "The model reached its limit for one answer.": "Das Modell ist am Ende.",
        "The provider ({label}) limits how much is asked of it.": "{label} begrenzt das.",
    }
    monkeypatch.setattr(failures, "gettext", lambda text: catalogue.get(text, text))
    assert failures.sentence("model_silent") == f"Nach {app_settings.SILENCE_TIMEOUT} s keine Antwort."
    assert failures.cut_sentence("length") == "Das Modell ist am Ende."
    assert failures.for_operator("model_busy", "scripted:echo") == "Scripted begrenzt das."
