"""SKILL.md: front matter in YAML with ``name`` and ``description``, then the instructions in Markdown. The format is the common one: keys
that we do not know are kept as they were written, so that a skill of others works here, and ours elsewhere.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from django.utils.text import slugify
from django.utils.translation import gettext as _

from agentos.core.text import clean
from agentos.skills.errors import BadSkill
from agentos.skills.models import DESCRIPTION_LENGTH, NAME_LENGTH

FILE = "SKILL.md"
MARK = "---"
TEXT_LIMIT = 100_000  # characters of a SKILL.md
FRONT_LIMIT = 10_000  # of them in the front matter
NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
KEY = re.compile(r"(?P<key>[\w-]+):[ \t]+(?P<value>[^\s\"'|>\[{#&*!].*)")  # in a line, with a value that is not quoted

Front = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Document:
    """``rest``: the front matter without name and description, as it was written. ``text``: all of it."""

    name: str
    description: str
    rest: str
    body: str
    text: str


def parse(text: str) -> Document:
    """Return what a SKILL.md says. Raises BadSkill."""
    text = clean(text.removeprefix("\ufeff"))
    if len(text) > TEXT_LIMIT:
        most = {"most": f"{TEXT_LIMIT:,}", "has": f"{len(text):,}"}
        raise BadSkill("text", _("SKILL.md has at most %(most)s characters; this one has %(has)s. Move parts of it into files.") % most)
    front, body = _split(text)
    keys, front = _read(front)
    for key in ("name", "description"):
        if key not in keys:
            raise BadSkill(key, _("The front matter of SKILL.md has no “%(key)s”.") % {"key": key})
    name, description = checked_name(keys["name"]), checked_description(keys["description"])
    if not body.strip():
        raise BadSkill("body", _("Below its front matter, SKILL.md is empty. Say what is to be done."))
    return Document(name, description, _rest(front, keys), body, text)


def composed(*, name: str, description: str, body: str, rest: str = "", base: Document | None = None) -> Document:
    """Return the document of these parts; where they are those of ``base``, as that was written. Raises BadSkill."""
    name, description = checked_name(name), checked_description(clean(description))
    body, rest = clean(body), clean(rest).strip("\n")
    if base and (name, description, rest, body.strip()) == (base.name, base.description, base.rest.strip("\n"), base.body.strip()):
        return base
    known = _read(rest)[0] if rest.strip() else {}
    if twice := next((key for key in ("name", "description") if key in known), ""):
        raise BadSkill("rest", _("“%(key)s” has a field of its own. Take it out of the other keys.") % {"key": twice})
    if any(line.rstrip() == MARK for line in rest.split("\n")):
        raise BadSkill("rest", _("A line --- ends the front matter. Take it out of the other keys."))
    front = yaml.safe_dump({"name": name, "description": description}, sort_keys=False, allow_unicode=True, width=float("inf"))
    rest = f"{rest}\n" if rest else ""
    return parse(f"{MARK}\n{front}{rest}{MARK}\n\n{body.strip()}\n")


def checked_name(name: Any) -> str:
    """Raises BadSkill."""
    if not isinstance(name, str) or not name.strip():
        raise BadSkill("name", _("Give it a name, for example: brand-voice."))
    plain = name.strip()
    if len(plain) > NAME_LENGTH:
        raise BadSkill(
            "name", _("A name has at most %(most)s characters; this one has %(has)s.") % {"most": NAME_LENGTH, "has": len(plain)}
        )
    if not NAME.fullmatch(plain):
        better = str(slugify(plain)).replace("_", "-").strip("-")
        example = re.sub("-+", "-", better) or "brand-voice"
        raise BadSkill("name", _("A name has small letters, digits and single dashes, for example: %(example)s.") % {"example": example})
    return plain


def checked_description(description: Any) -> str:
    """Raises BadSkill."""
    plain = " ".join(description.split()) if isinstance(description, str) else ""
    if not plain:
        raise BadSkill("description", _("Say what it is for, and when: agents decide by that when to read it."))
    if len(plain) > DESCRIPTION_LENGTH:
        most = {"most": f"{DESCRIPTION_LENGTH:,}", "has": f"{len(plain):,}"}
        raise BadSkill("description", _("A description has at most %(most)s characters; this one has %(has)s.") % most)
    return plain


def _split(text: str) -> tuple[str, str]:
    lines = text.split("\n")
    if lines[0].rstrip() != MARK:
        raise BadSkill("text", _("SKILL.md has no front matter: it begins with a line ---, then name and description, then a line ---."))
    end = next((place for place, line in enumerate(lines[1:], start=1) if line.rstrip() == MARK), None)
    if end is None:
        raise BadSkill("text", _("The front matter of SKILL.md has no end: close it with a line ---."))
    front = "\n".join(lines[1:end])
    if len(front) > FRONT_LIMIT:
        raise BadSkill("text", _("The front matter of SKILL.md has at most %(most)s characters.") % {"most": f"{FRONT_LIMIT:,}"})
    return front, "\n".join(lines[end + 1 :])


def _read(front: str) -> tuple[Front, str]:
    """Return the keys, and the front matter as it can be read: many write a description with a colon in it and no quotes round it."""
    try:
        return _keys(front), front
    except yaml.YAMLError as error:
        quoted = "\n".join(_quoted(line) for line in front.split("\n"))
        try:
            return _keys(quoted), quoted
        except yaml.YAMLError:
            mark = getattr(error, "problem_mark", None)
            line = mark.line + 2 if mark else 1
            said = {"line": line, "wrong": str(getattr(error, "problem", "") or "")[:200]}
            raise BadSkill("text", _("The front matter of SKILL.md is no YAML, line %(line)s: %(wrong)s.") % said) from None


def _keys(front: str) -> Front:
    """Every value as it was written: no dates, no numbers. Raises YAMLError."""
    try:
        found = yaml.load(front, Loader=yaml.BaseLoader)  # noqa: S506 - makes nothing but texts, lists and dicts
    except RecursionError:
        raise yaml.YAMLError from None
    if not isinstance(found, dict):
        raise BadSkill("text", _("The front matter of SKILL.md has keys and values: name: …, description: …."))
    return found


def _quoted(line: str) -> str:
    match = KEY.fullmatch(line.rstrip())
    if not match or ": " not in match["value"]:
        return line
    return match["key"] + ": '" + match["value"].replace("'", "''") + "'"


def _rest(front: str, keys: Front) -> str:
    node = yaml.compose(front, Loader=yaml.BaseLoader)
    if not isinstance(node, yaml.MappingNode):
        return ""
    if node.flow_style:
        others = {key: value for key, value in keys.items() if key not in {"name", "description"}}
        return str(yaml.safe_dump(others, sort_keys=False, allow_unicode=True)) if others else ""
    return "\n".join(_lines_of_others(front.split("\n"), node)).strip("\n")


def _lines_of_others(lines: list[str], node: yaml.MappingNode) -> Iterator[str]:
    """The lines that belong to neither name nor description."""
    begins = [key.start_mark.line for key, _value in node.value]
    yield from lines[: begins[0]]
    for (key, _value), begin, end in zip(node.value, begins, [*begins[1:], len(lines)], strict=True):
        if key.value not in {"name", "description"}:
            yield from lines[begin:end]
