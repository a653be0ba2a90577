"""What each kind of setting takes, and the sentence for what it does not take."""

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from agentos.conf.kinds import (
    Choice,
    Flag,
    Folder,
    HostName,
    HostNames,
    Mailbox,
    Names,
    Number,
    Origin,
    Origins,
    Reachable,
    Setting,
    TimeZone,
    Url,
)

CACHE = Url("", "Help.", ("redis", "rediss", "unix"))
WEB = Url("", "Help.", ("http", "https"))

GOOD: list[tuple[Setting[Any], str, Any]] = [
    *[(Flag(False, ""), text, True) for text in ("1", "TRUE", "on")],
    *[(Flag(True, ""), text, False) for text in ("0", "no", "")],
    (Number(1, "", most=9), "9", 9),
    (Choice("FIRST", "", ("FIRST", "SECOND")), "second", "SECOND"),
    (Choice("first", "", ("first", "second-best")), "Second-Best", "second-best"),
    *[(TimeZone("UTC", ""), text, text) for text in ("UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires")],
    (Names((), ""), "a, b,,c ", ["a", "b", "c"]),
    (Names((), "", choices=("a", "b")), "b", ["b"]),
    *[
        (CACHE, text, text)
        for text in (
            "",
            "redis://host",
            "redis://:secret@host:6379/0",
            "rediss://me:a%23b@[::1]:6379/0?timeout=2",
            "unix:///run/redis.sock",
        )
    ],
    *[(WEB, text, text) for text in ("http://localhost:1234/v1", "https://[::1]/v1")],
    (Origin("", ""), "https://chat.example.com/", "https://chat.example.com"),
    (Origin("", ""), "", ""),
    *[(HostName("", ""), text, text) for text in ("", "localhost", "mail.example.com", "127.0.0.1", "::1", "mail_server")],
    (Mailbox("", ""), "AgentOS <agentos@localhost>", "AgentOS <agentos@localhost>"),
    (
        HostNames((), ""),
        "chat.example.com,.example.com,localhost,127.0.0.1,[::1],*,x.y.",
        ["chat.example.com", ".example.com", "localhost", "127.0.0.1", "[::1]", "*", "x.y."],
    ),
    (
        Origins((), ""),
        "https://chat.example.com/, http://localhost:3000,tauri://localhost",
        ["https://chat.example.com", "http://localhost:3000", "tauri://localhost"],
    ),
    (Origins((), "", wildcards=True), "https://*.example.org", ["https://*.example.org"]),
    (
        Reachable((), ""),
        "intranet,crm.example.com,10.0.0.7,10.1.0.0/16,fd00::/8,::1",
        ["intranet", "crm.example.com", "10.0.0.7", "10.1.0.0/16", "fd00::/8", "::1"],
    ),
]

WRONG: list[tuple[Setting[Any], str, str]] = [
    (Flag(False, ""), "perhaps", "must be 1 or 0, not 'perhaps'."),
    (Number(1, ""), "8000x", "must be a whole number, not '8000x'."),
    (Number(1, ""), "", "must be a whole number, not ''."),
    (Number(1, ""), "-1", "must be 0 or more, not -1."),
    (Number(1, "", most=65535), "70000", "must be from 0 to 65535, not 70000."),
    (Number(1, "", least=1), "0", "must be 1 or more, not 0."),
    (Choice("A", "", ("DEBUG", "INFO", "ERROR")), "loud", "must be DEBUG, INFO or ERROR, not 'loud'."),
    *[
        (TimeZone("UTC", ""), text, "must be the name of a time zone, for example Europe/Berlin")
        for text in ("Mars/Base", "Europe", "../etc/passwd", "/etc/passwd", "")
    ],
    (Names((), "", choices=("agui", "mcp")), "agui,slack", "must name some of agui, mcp, not 'slack'."),
    *[
        (WEB, text, "must be an address that begins with http:// or https://.")
        for text in ("foo", "localhost:1234", "ftp://host/v1", "http://", "http://host:port", "//host")
    ],
    *[(Origin("", ""), text, "must be like https://chat.example.com") for text in ("chat.example.com", "https://x.y/path", "ftp://x.y")],
    *[(HostName("", ""), text, "must be a host such as") for text in ("smtp://mail.example.com", "mail.example.com:587", "a b")],
    *[(Mailbox("", ""), text, "must be an address such as AgentOS") for text in ("AgentOS", "agentos@", "a@b@c")],
    *[
        (HostNames((), ""), text, f"must be host names such as chat.example.com, without a scheme, a port or a path, not {text!r}.")
        for text in ("http://x.y", "x.y:8000", "x.y/chat", "::1", "*.x.y")
    ],
    *[
        (Origins((), ""), text, "must be origins such as https://chat.example.com, in small letters and without a path")
        for text in (
            "foo",
            "*",
            "chat.example.com",
            "https://x.y/chat",
            "https://X.y",
            "https://x.y:443",
            "https://*.x.y",
            "https://x.y:port",
        )
    ],
    *[
        (Reachable((), ""), text, "must be host names, addresses and networks such as 10.1.0.0/16")
        for text in (
            "10.0.0.0/99",
            "10.0.0",
            "http://intranet",
            "intranet:8080",
            ".example.com",
            "[::1]",
            "fd00::/200",
            "crm.example.com/8",
        )
    ],
]


class TestAText:
    @pytest.mark.parametrize(("setting", "text", "value"), GOOD)
    def test_is_read(self, setting: Setting[Any], text: str, value: Any) -> None:
        assert setting.read("A_NAME", text) == value

    @pytest.mark.parametrize(("setting", "text", "said"), WRONG)
    def test_that_is_wrong_is_refused_in_a_sentence(self, setting: Setting[Any], text: str, said: str) -> None:
        with pytest.raises(ImproperlyConfigured) as refused:
            setting.read("A_NAME", text)
        assert str(refused.value).startswith(f"A_NAME {said}")

    @pytest.mark.parametrize(
        "text", ["secret", "secret:6379", "memcached://secret", "redis://:secret#1@host:6379/0", "redis://secret:port"]
    )
    def test_in_which_a_password_may_be_is_not_repeated(self, text: str) -> None:
        with pytest.raises(ImproperlyConfigured, match="begins with redis:// or rediss://") as refused:
            CACHE.read("A_NAME", text)
        assert "secret" not in str(refused.value)


class TestAValueOfASettingsFile:
    @pytest.mark.parametrize(
        ("setting", "value"),
        [
            (Flag(False, ""), 1),
            (Number(1, ""), "5"),
            (Number(1, ""), True),
            (Number(1, ""), None),
            (WEB, None),
            (Names((), ""), "a,b"),
            (Names((), ""), [1]),
            (Folder(Path(), ""), 3),
        ],
    )
    def test_of_another_type_is_objected_to(self, setting: Setting[Any], value: Any) -> None:
        assert setting.objection(value).startswith("must be ")

    @pytest.mark.parametrize(("setting", "value"), [(Number(1, ""), 0.2), (Names((), ""), ("a",)), (WEB, ""), (Flag(False, ""), True)])
    def test_of_its_type_is_good(self, setting: Setting[Any], value: Any) -> None:
        assert setting.objection(value) == ""
