"""Sealing: what is stored says nothing, and opens only under the secret key that sealed it."""

from typing import Any

import pytest

from agentos.core.security.secrets import Unreadable, seal, unseal

FIRST, SECOND = "first-" * 10, "second-" * 10


class TestASealedSecret:
    @pytest.mark.parametrize("text", ["whsec_abc", "", "ünïcode 🔑", "x" * 10_000])
    def test_is_read_again(self, text: str) -> None:
        assert unseal(seal(text)) == text

    def test_does_not_show_what_is_in_it(self) -> None:
        assert "whsec" not in seal("whsec_abc")
        assert seal("whsec_abc") != seal("whsec_abc")

    def test_is_unreadable_under_another_secret_key(self, settings: Any) -> None:
        settings.SECRET_KEY = FIRST
        sealed = seal("text")
        settings.SECRET_KEY = SECOND
        with pytest.raises(Unreadable):
            unseal(sealed)

    def test_is_readable_while_its_secret_key_is_a_fallback(self, settings: Any) -> None:
        settings.SECRET_KEY = FIRST
        sealed = seal("text")
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = SECOND, [FIRST]
        assert unseal(sealed) == "text"
        settings.SECRET_KEY_FALLBACKS = []
        assert unseal(seal("text")) == "text"

    def test_is_unreadable_when_one_character_was_changed(self) -> None:
        sealed = seal("text")
        for place in range(0, len(sealed), 7):
            changed = sealed[:place] + ("A" if sealed[place] != "A" else "B") + sealed[place + 1 :]
            with pytest.raises(Unreadable):
                unseal(changed)

    @pytest.mark.parametrize("text", ["", "text", "é", "gAAAA"])
    def test_is_unreadable_when_it_never_was_one(self, text: str) -> None:
        with pytest.raises(Unreadable):
            unseal(text)
