"""Settings from the environment, each declared once with the line of help that the README's table repeats."""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off", ""}


@dataclass(frozen=True, slots=True)
class Setting:
    name: str
    default: str
    help: str


SETTINGS: dict[str, Setting] = {}


def declare(name: str, default: str, text: str) -> None:
    """Register a setting, so that the README's table can be held to the code."""
    SETTINGS[name] = Setting(name, default, text)


def env_str(name: str, default: str, text: str) -> str:
    """Return NAME, or the content of the file that NAME_FILE names, or the default."""
    declare(name, default, text)
    from_file = os.environ.get(f"{name}_FILE")
    if from_file:
        return Path(from_file).read_text(encoding="utf-8").strip()
    return os.environ.get(name, default).strip()


def env_bool(name: str, default: bool, text: str) -> bool:
    value = env_str(name, "1" if default else "0", text).lower()
    if value in TRUE:
        return True
    if value in FALSE:
        return False
    msg = f"{name} must be 1 or 0, not {value!r}."
    raise ImproperlyConfigured(msg)


def env_int(name: str, default: int, text: str) -> int:
    value = env_str(name, str(default), text)
    try:
        return int(value)
    except ValueError:
        msg = f"{name} must be a whole number, not {value!r}."
        raise ImproperlyConfigured(msg) from None


def env_list(name: str, default: str, text: str) -> list[str]:
    """Return a comma-separated setting as a list, without blanks."""
    return [item.strip() for item in env_str(name, default, text).split(",") if item.strip()]


def env_url(name: str, schemes: tuple[str, ...], text: str) -> str:
    """Return an address, or nothing. A wrong one is not repeated: there may be a password in it."""
    value = env_str(name, "", text)
    try:
        is_good = urlsplit(value).scheme in schemes and urlsplit(value).port != 0
    except ValueError:  # of a port that is no number, as after a "#" in a password
        is_good = False
    if value and not is_good:
        begins = " or ".join(f"{scheme}://" for scheme in schemes)
        msg = f"{name} must be an address that begins with {begins}. In a password, special characters are written as in %23."
        raise ImproperlyConfigured(msg)
    return value
