"""Ids that stand in URLs: of one shape, and none twice."""

from agentos.core import ids


class TestNewId:
    def test_is_the_kind_and_twenty_characters_of_a_url(self) -> None:
        kind, _, random = ids.new_id("run").partition("_")
        assert (kind, len(random)) == ("run", ids.LENGTH)
        assert set(random) <= set(ids.ALPHABET)

    def test_uses_every_character_in_every_place(self) -> None:
        drawn = [ids.new_id("x")[2:] for _ in range(2000)]
        assert len(set(drawn)) == len(drawn)
        assert all(set(place) == set(ids.ALPHABET) for place in zip(*drawn, strict=True))
