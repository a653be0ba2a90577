"""The address that a request came from."""

from typing import Any

import pytest
from django.test import RequestFactory

from agentos.core.http.request import client_address, client_network


def address(remote: str = "192.0.2.1", forwarded: str | None = None) -> str:
    headers: Any = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    return client_address(RequestFactory().get("/", REMOTE_ADDR=remote, **headers))


class TestWithoutAProxy:
    @pytest.mark.parametrize("forged", ["203.0.113.7", "203.0.113.7, 198.51.100.2", "127.0.0.1", "", "nonsense"])
    def test_believes_no_header(self, forged: str) -> None:
        assert address(forwarded=forged) == "192.0.2.1"

    def test_of_nobody_is_empty(self) -> None:
        assert address(remote="") == ""


class TestBehindProxies:
    @pytest.mark.parametrize(
        ("count", "forwarded", "expected"),
        [
            (1, "203.0.113.7", "203.0.113.7"),
            (1, "6.6.6.6, 203.0.113.7", "203.0.113.7"),
            (2, "6.6.6.6, 203.0.113.7, 198.51.100.2", "203.0.113.7"),
            (2, "203.0.113.7", "192.0.2.1"),  # it passed fewer proxies than there are: nobody vouches for it
            (1, "garbage", "192.0.2.1"),
            (1, None, "192.0.2.1"),
            (1, "203.0.113.7:4711", "203.0.113.7"),
            (1, "[2001:DB8::1]:4711", "2001:db8::1"),
            (1, "::ffff:203.0.113.7", "203.0.113.7"),
        ],
    )
    def test_is_what_the_outermost_one_saw(self, settings: Any, count: int, forwarded: str | None, expected: str) -> None:
        settings.AGENTOS_TRUSTED_PROXY_COUNT = count
        assert address(forwarded=forwarded) == expected


class TestNetwork:
    @pytest.mark.parametrize(
        ("remote", "expected"),
        [
            ("192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:0DB8:1:2::", "2001:db8:1:2::/64"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("", ""),
        ],
    )
    def test_is_what_one_customer_has(self, remote: str, expected: str) -> None:
        assert client_network(RequestFactory().get("/", REMOTE_ADDR=remote)) == expected
