"""Words that stand in the SQL itself."""

import pytest

from agentos.chat.models import IS_OPEN, Run
from agentos.core.db.literals import Literal, equal
from tests.factories import RunFactory


@pytest.mark.django_db
class TestLiterals:
    def test_are_no_parameters(self) -> None:
        sql, parameters = Run.objects.filter(IS_OPEN).order_by().values("pk").query.sql_with_params()
        assert "IN ('queued', 'running', 'waiting')" in sql
        assert parameters == ()

    def test_find_what_a_parameter_would(self) -> None:
        runs = {status: RunFactory(status=status) for status in Run.Status}
        assert {*Run.objects.filter(IS_OPEN)} == {runs[status] for status in Run.OPEN}
        assert [*Run.objects.filter(equal("status", Run.Status.FAILED))] == [runs[Run.Status.FAILED]]

    @pytest.mark.parametrize("word", ["", "it's", "a b", "x'--"])
    def test_are_plain_words(self, word: str) -> None:
        with pytest.raises(ValueError, match="no plain word"):
            Literal(word)
