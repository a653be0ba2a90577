"""The allow-list of tools and what they do."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentos.agents import tools as choices
from agentos.agents.runtime import tools
from agentos.agents.tools import catalogue
from agentos.core import clock

NAMES = {
    "calculator": {"add", "subtract", "multiply", "divide", "exponentiate", "factorial", "is_prime", "square_root"},
    "clock": {"current_time"},
    "text": {"text_statistics"},
    "reasoning": {"think", "analyze"},
    "ask": {"get_user_input"},
    "letterbox": {"post_letter"},
}


def built(*slugs: str) -> list[tools.AgnoTool]:
    return tools.build(tools.toolbox(slugs, {}))


class TestAllowList:
    def test_has_a_factory_for_each_slug(self) -> None:
        assert set(tools.FACTORIES) == set(choices.NATIVE) == set(NAMES)

    @pytest.mark.parametrize("slug", sorted(NAMES))
    def test_gives_the_functions_that_it_promises(self, slug: str) -> None:
        assert tools.names(built(slug)) == NAMES[slug] == set(choices.NATIVE[slug].names)

    def test_has_a_name_for_people_for_each_function(self) -> None:
        assert {choices.label_of(name) for name in NAMES["calculator"]} == {"Calculator"}
        assert choices.label_of("look_up-weatherNow") == "Look up weather Now"

    def test_gives_a_tool_once(self) -> None:
        assert len(built("clock", "clock")) == 1

    @pytest.mark.parametrize("slug", ["perl", "shell", "agno.tools.python.PythonTools", "", "Calculator"])
    def test_refuses_what_is_not_in_it(self, slug: str) -> None:
        with pytest.raises(tools.NotOffered):
            tools.toolbox(["calculator", slug], {})

    def test_has_natives_that_reach_no_network(self) -> None:
        assert not [tool for tool in choices.NATIVE.values() if tool.network]

    def test_offers_rehearsals_only_in_trials(self, settings, db: None) -> None:
        assert choices.not_offered(["letterbox"]) == []
        settings.AGENTOS_SCRIPTED_MODELS = False
        assert choices.not_offered(["clock", "letterbox"]) == ["letterbox"]
        assert "letterbox" not in {choice.slug for choice in choices.tool_choices()}

    def test_asks_where_it_says_so(self) -> None:
        letterbox = built("letterbox")[0]
        assert getattr(letterbox, "requires_confirmation", False) is choices.NATIVE["letterbox"].asks is True


def test_people_read_another_sentence_than_the_models():
    for tool in catalogue.fixed().values():
        assert tool.description, tool.slug
        assert not [each.name for each in tool.functions if each.description.startswith(tool.description)], tool.slug


class TestClock:
    def test_tells_the_time_of_a_zone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(clock, "now", lambda: datetime(2026, 11, 22, 10, 30, tzinfo=UTC))
        assert tools.current_time("Europe/Berlin") == "Sunday, 22 November 2026, 11:30:00 (Europe/Berlin, +0100)"
        assert tools.current_time() == "Sunday, 22 November 2026, 10:30:00 (UTC, +0000)"

    @pytest.mark.parametrize("zone", ["Mars/Base", "", "../../etc/passwd", "/etc/localtime", "Europe", "a" * 300, "x\0y"])
    def test_says_that_it_does_not_know_a_zone(self, zone: str) -> None:
        with pytest.raises(ValueError, match="no time zone"):
            tools.current_time(zone)


class TestTextStatistics:
    def test_counts(self) -> None:
        assert tools.text_statistics("One two. Three!\nFour") == "characters: 20, words: 4, sentences: 2, lines: 2, minutes to read: 1"

    def test_has_a_limit(self) -> None:
        with pytest.raises(ValueError, match="100,000"):
            tools.text_statistics("a" * 100_001)

    @given(st.text(max_size=300))
    def test_counts_whatever_it_is_given(self, text: str) -> None:
        assert tools.text_statistics(text).startswith(f"characters: {len(text)}, ")
