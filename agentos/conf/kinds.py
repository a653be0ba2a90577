"""Kinds of settings: how a text becomes a value, and what is said of a wrong one. Depends on no other room."""

import json
import re
import shlex
from collections.abc import Sequence
from email.utils import parseaddr
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Generic, Self, TypeVar, overload
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

T = TypeVar("T")

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off", ""}
HIGHEST_PORT = 65535
NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?", re.IGNORECASE)
IN_URL = re.compile(r"\[[0-9a-f:.]+\]", re.IGNORECASE)  # an IPv6 address
ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/?#@A-Z,]+")
NETWORK = re.compile(r"[0-9.]+(/\d+)?|[0-9a-fA-F.]*:[0-9a-fA-F:.]*(/\d+)?")  # what is meant as one, right or wrong
PROGRAM = re.compile(r"[a-z0-9][a-z0-9-]{0,23}")
SHORTEST_SECRET = 24  # characters
IMPLIED = {("https", 443), ("http", 80)}  # ports that no browser writes


def is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


class Setting(Generic[T]):
    """Read at every use, so that a test or a project may change it: ``AGENTOS_<NAME>`` of Django's settings, else the default.

    ``variable`` is the environment's name for it, where that is another one; None: it is not read from the environment.
    """

    def __init__(self, default: T, text: str, *, variable: str | None = "") -> None:
        self.default, self.help, self.variable = default, text, variable
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = f"AGENTOS_{name}"
        if self.variable == "":
            self.variable = self.name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> Self | T:
        return self if instance is None else getattr(settings, self.name, self.default)

    def parse(self, text: str) -> T:
        """Return the value that a text of the environment means. Raises ValueError with what it must be."""
        raise NotImplementedError

    def objection(self, value: Any) -> str:
        """Return what the value must be, when it is not: "must be 1 or 0, not 7." Empty when it is good."""
        raise NotImplementedError

    def read(self, name: str, text: str) -> T:
        """Raises ImproperlyConfigured with a sentence that begins with ``name``."""
        try:
            value = self.parse(text)
        except ValueError as error:
            raise ImproperlyConfigured(f"{name} {error}") from None
        if wrong := self.objection(value):
            raise ImproperlyConfigured(f"{name} {wrong}")
        return value


class Flag(Setting[bool]):
    def parse(self, text: str) -> bool:
        if text.lower() in TRUE | FALSE:
            return text.lower() in TRUE
        raise ValueError(f"must be 1 or 0, not {text.lower()!r}.")

    def objection(self, value: Any) -> str:
        return "" if isinstance(value, bool) else f"must be True or False, not {value!r}."


class Number(Setting[int]):
    def __init__(self, default: int, text: str, *, least: int = 0, most: int | None = None, **more: Any) -> None:
        super().__init__(default, text, **more)
        self.least, self.most = least, most

    def parse(self, text: str) -> int:
        try:
            return int(text)
        except ValueError:
            raise ValueError(f"must be a whole number, not {text!r}.") from None

    def objection(self, value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"must be a number, not {value!r}."
        if value < self.least or (self.most is not None and value > self.most):
            return f"must be {f'{self.least} or more' if self.most is None else f'from {self.least} to {self.most}'}, not {value}."
        return ""


class Text(Setting[str]):
    def parse(self, text: str) -> str:
        return text

    def objection(self, value: Any) -> str:
        if not isinstance(value, str):
            return f"must be a text, not {value!r}."
        return self.wrong(value) if value else ""

    def wrong(self, value: str) -> str:
        """The objection to a text that is not empty."""
        return ""


class Secret(Text):
    """What nobody can guess, or nothing. A wrong one is not repeated."""

    def wrong(self, value: str) -> str:
        return (
            ""
            if len(value) >= SHORTEST_SECRET and value.isascii()
            else f"must be at least {SHORTEST_SECRET} characters of ASCII, best random ones."
        )


class Choice(Text):
    """One of ``choices``, in small letters or capitals."""

    def __init__(self, default: str, text: str, choices: Sequence[str], **more: Any) -> None:
        super().__init__(default, text, **more)
        self.choices = choices

    def parse(self, text: str) -> str:
        return next((choice for choice in self.choices if choice.lower() == text.lower()), text)

    def objection(self, value: Any) -> str:
        return "" if value in self.choices else f"must be {', '.join(self.choices[:-1])} or {self.choices[-1]}, not {value!r}."


class TimeZone(Text):
    def objection(self, value: Any) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):  # of "", "../x" and "Europe"
            return f"must be the name of a time zone, for example Europe/Berlin, not {value!r}."
        return ""


class Url(Text):
    """An address, or nothing. A wrong one is not repeated: there may be a password in it."""

    def __init__(self, default: str, text: str, schemes: Sequence[str], **more: Any) -> None:
        super().__init__(default, text, **more)
        self.schemes = schemes

    def wrong(self, value: str) -> str:
        try:
            parts = urlsplit(value)
            is_good = parts.scheme in self.schemes and parts.port != 0 and bool(parts.hostname or parts.scheme in {"unix", "sqlite"})
        except ValueError:  # of a port that is no number, as after a "#" in a password
            is_good = False
        begins = " or ".join(f"{scheme}://" for scheme in self.schemes)
        return "" if is_good else f"must be an address that begins with {begins}. In a password, special characters are written as in %23."


class Origin(Text):
    """Where people open the site: ``https://chat.example.com``."""

    def parse(self, text: str) -> str:
        return text.rstrip("/")

    def wrong(self, value: str) -> str:
        if re.fullmatch(r"https?://[^\s/?#@]+", value):
            return ""
        return "must be like https://chat.example.com: a scheme and a host, without a path."


class HostName(Text):
    def wrong(self, value: str) -> str:
        return (
            ""
            if NAME.fullmatch(value) or (":" in value and is_network(value))
            else f"must be a host such as mail.example.com, without a scheme and a port, not {value!r}."
        )


class HostPort(Text):
    def wrong(self, value: str) -> str:
        host, _, port = value.rpartition(":")
        is_good = port.isdecimal() and 0 < int(port) <= HIGHEST_PORT and bool(NAME.fullmatch(host) or is_network(host.strip("[]")))
        return "" if is_good else f"must be a host and its port such as 127.0.0.1:3310, not {value!r}."


class Mailbox(Text):
    def wrong(self, value: str) -> str:
        try:
            validate_email(parseaddr(value)[1])
        except ValidationError:
            return f"must be an address such as AgentOS <agentos@example.com>, not {value!r}."
        return ""


class Dotted(Text):
    """The place of a class or a function: ``package.module.Name``."""

    def wrong(self, value: str) -> str:
        return "" if re.fullmatch(r"\w+(\.\w+)+", value) else f"must be like package.module.Name, not {value!r}."


class Names(Setting[list[str]]):
    """Several, in the environment separated by commas. A subclass says what is wrong with one of them."""

    def __init__(self, default: Sequence[str], text: str, *, choices: Sequence[str] = (), **more: Any) -> None:
        super().__init__(list(default), text, **more)
        self.choices = choices

    def parse(self, text: str) -> list[str]:
        return [item.strip() for item in text.split(",") if item.strip()]

    def objection(self, value: Any) -> str:
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            return f"must be a list of texts, not {value!r}."
        return next((wrong for item in value if (wrong := self.wrong(item))), "")

    def wrong(self, item: str) -> str:
        if self.choices and item not in self.choices:
            return f"must name some of {', '.join(self.choices)}, not {item!r}."
        return ""


class HostNames(Names):
    """Hosts that a site answers to. Django compares them to the header without its port, so a scheme or a port fits nothing."""

    def wrong(self, item: str) -> str:
        if item == "*" or NAME.fullmatch(item.removeprefix(".")) or IN_URL.fullmatch(item):
            return ""
        return f"must be host names such as chat.example.com, without a scheme, a port or a path, not {item!r}."


class Origins(Names):
    """What browsers send as ``Origin``: small letters, no path, and no port that goes without saying."""

    def __init__(self, default: Sequence[str], text: str, *, wildcards: bool = False, **more: Any) -> None:
        super().__init__(default, text, **more)
        self.wildcards = wildcards

    def parse(self, text: str) -> list[str]:
        return [item.rstrip("/") for item in super().parse(text)]

    def wrong(self, item: str) -> str:
        try:
            is_good = bool(ORIGIN.fullmatch(item)) and (urlsplit(item).scheme, urlsplit(item).port) not in IMPLIED
            is_good = is_good and (self.wildcards or "*" not in item)
        except ValueError:  # of a port that is no number
            is_good = False
        return "" if is_good else f"must be origins such as https://chat.example.com, in small letters and without a path, not {item!r}."


class Reachable(Names):
    """Host names, addresses and networks."""

    def wrong(self, item: str) -> str:
        if is_network(item) or (NAME.fullmatch(item) and not NETWORK.fullmatch(item)):
            return ""
        return f"must be host names, addresses and networks such as 10.1.0.0/16, without a scheme and a port, not {item!r}."


class Sources(Names):
    """Databases by name: ``shop=postgres://...``. A wrong one is not repeated: there may be a password in it."""

    def wrong(self, item: str) -> str:
        name, _, url = item.partition("=")
        objection = Url("", "", ("sqlite", "postgres", "postgresql")).objection(url)
        if not objection and url and re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", name):
            return ""
        return (
            "must be like shop=postgres://reader:secret@host/shop or stock=sqlite:////srv/stock.sqlite3, separated by commas. "
            "Names have small letters, digits and dashes; in a password, special characters are written as in %2C."
        )


class Folder(Setting[Path]):
    def parse(self, text: str) -> Path:
        return Path(text)

    def objection(self, value: Any) -> str:
        return "" if isinstance(value, str | Path) else f"must be a folder, not {value!r}."


class Commands(Setting[dict[str, Any]]):
    """Programs by name: ``{"clock": "python -m mcp_server_time"}``, or with ``env``: ``{"clock": {"command": "...", "env": {...}}}``. A
    wrong one is not repeated: there may be a key in it."""

    def parse(self, text: str) -> dict[str, Any]:
        try:
            found = json.loads(text or "{}")
        except ValueError:
            raise ValueError('must be JSON, such as {"clock": "python -m mcp_server_time"}.') from None
        if not isinstance(found, dict):
            raise ValueError('must be an object, such as {"clock": "python -m mcp_server_time"}.')  # noqa: TRY004 - a setting's error
        return found

    def objection(self, value: Any) -> str:
        if not isinstance(value, dict):
            return "must be an object of commands by name."
        return next((wrong for name, said in value.items() if (wrong := self.wrong(name, said))), "")

    def wrong(self, name: object, said: Any) -> str:
        """The objection to one of them."""
        if not isinstance(name, str) or not PROGRAM.fullmatch(name):
            return "must name each command with small letters, digits and -, at most 24 of them."
        command, env = (said.get("command"), said.get("env", {})) if isinstance(said, dict) else (said, {})
        try:
            words = words_of(command)
        except ValueError:
            words = []
        if not words:
            return f"must say for {name} what to run: a command line, or a list of words."
        is_good = isinstance(env, dict) and all(isinstance(text, str) for pair in env.items() for text in pair)
        return "" if is_good else f"must have texts by name as the env of {name}."


def words_of(command: Any) -> list[str]:
    """Return the words of a command line. Raises ValueError for what is none."""
    if isinstance(command, str):
        return shlex.split(command)
    if isinstance(command, list) and all(isinstance(word, str) for word in command):
        return command
    raise ValueError
