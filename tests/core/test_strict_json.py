"""What comes through the reading of JSON, and what is refused."""

import json
from contextlib import suppress
from typing import Any

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from agentos.core.http.errors import Problem
from agentos.core.http.strict_json import DEPTH_LIMIT, parse, read_json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r")), inner, max_size=4)
    ),
    max_leaves=20,
)


class TestParse:
    @given(VALUES)
    def test_returns_every_plain_value_unchanged(self, value: Any) -> None:
        assert parse(json.dumps(value).encode()) == value

    @given(st.binary(max_size=60))
    def test_refuses_or_returns_but_never_breaks(self, body: bytes) -> None:
        with suppress(Problem):
            parse(body)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"  ",
            b"{",
            b"{'a': 1}",
            b'{"a": NaN}',
            b"Infinity",
            b"[-Infinity]",
            b"1e400",
            b'{"a": 1, "a": 2}',
            b"[" * 10_000 + b"]" * 10_000,
            b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
            b"[" * (DEPTH_LIMIT + 1) + b"]" * (DEPTH_LIMIT + 1),
            b"9" * 5_000,
            b"\xff",
            '{"a": 1}'.encode("utf-16"),
            b'\xef\xbb\xbf{"a": 1}',
            b'"\xed\xa0\x80"',
        ],
        ids=lambda body: repr(body[:24]),
    )
    def test_refuses(self, body: bytes) -> None:
        with pytest.raises(Problem) as caught:
            parse(body)
        assert (caught.value.status, caught.value.code) == (400, "invalid_json")
        assert caught.value.sentence.startswith("Invalid JSON: ")

    def test_goes_down_to_the_limit(self) -> None:
        parse(b"[" * DEPTH_LIMIT + b"]" * DEPTH_LIMIT)

    def test_takes_out_what_no_database_stores(self) -> None:
        value = parse(b'{"k\\u0000": ["a\\u0000b", "\\ud800", {"c": "x\\r\\ny"}]}')
        assert value == {"k\ufffd": ["a\ufffdb", "?", {"c": "x\ny"}]}


class TestReadJson:
    @pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""])
    def test_insists_on_the_content_type(self, kind: str) -> None:
        with pytest.raises(Problem) as caught:
            read_json(RequestFactory().post("/", b"{}", content_type=kind))
        assert caught.value.status == 415

    def test_takes_a_charset(self) -> None:
        assert read_json(RequestFactory().post("/", b"{}", content_type="application/json; charset=utf-8")) == {}

    def test_reads_no_more_than_the_limit(self, settings: Any) -> None:
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
        with pytest.raises(Problem) as caught:
            read_json(RequestFactory().post("/", b"[" + b" " * 10 + b"]", content_type="application/json"))
        assert caught.value.status == 413
