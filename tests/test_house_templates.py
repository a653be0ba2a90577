"""The rules of pages and fragments, read from their sources."""

import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag
from django.template.loader import get_template

from agentos.core import middleware

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(ROOT.glob("templates/**/*.html"))
COMPILED = sorted(ROOT.glob("compiled/**/*.html"))
PARTIALS = sorted([*ROOT.glob("partials/**/*.html"), *COMPILED])
TEMPLATES = [*PAGES, *PARTIALS]
TAG = re.compile(r"{%.*?%}|{{.*?}}|{#.*?#}", re.DOTALL)

INCLUDE = re.compile(r'{%\s*(?:include|draw)\s+"([^"#]+)')

# Answers whose root is not the one thing that they swap, and why.
WITHOUT_ID = {
    "chat/_older_turns.html": "a pager's answer: the pager itself, and a hx-partial for the turns",
    "chat/_sidebar_older.html": "a pager's answer: rows, and the next link",
    "shared/_templates.html": "several templates, which house.js copies",
}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def short(path: Path) -> str:
    return str(path.relative_to(ROOT / path.relative_to(ROOT).parts[0]))


def parsed(path: Path) -> BeautifulSoup:
    """Return the source with every template tag as a word without quotes, the same tag always as the same word."""
    words: dict[str, str] = {}
    source = TAG.sub(lambda match: words.setdefault(match[0], "dj" + match[0].encode().hex() + "x"), path.read_text(encoding="utf-8"))
    return BeautifulSoup(source, "html.parser")


def plain(value: str) -> str:
    """Return an attribute as it stands in the source."""
    return re.sub(r"dj((?:[0-9a-f]{2})+)x", lambda match: bytes.fromhex(match[1]).decode(), value)


def included() -> set[str]:
    """Return what other templates include, and what is excused."""
    return {found for path in TEMPLATES for found in INCLUDE.findall(path.read_text(encoding="utf-8"))} | set(WITHOUT_ID)


def root(path: Path) -> Tag | None:
    return next((tag for tag in parsed(path).find_all(True)), None)


class TestNames:
    def test_tell_fragments_from_pages(self) -> None:
        assert [name(path) for path in PARTIALS if not path.name.startswith("_")] == []
        assert [name(path) for path in PAGES if path.name.startswith("_")] == []

    def test_are_in_one_folder_only(self) -> None:
        shorts = [short(path) for path in TEMPLATES]
        assert sorted(set(shorts)) == sorted(shorts)

    @pytest.mark.parametrize("path", PARTIALS, ids=name)
    def test_are_the_id_of_what_is_swapped(self, path: Path) -> None:
        """``_composer.html`` has ``id="composer"`` (or ``chat-composer``); a row has ``id="noun-{{ ... }}"``."""
        tag = root(path)
        own = path.stem.removeprefix("_").replace("_", "-")
        found = plain(str(tag.get("id", ""))) if tag else ""
        if not found:
            assert short(path) in included(), "it has no id, so it can only be a piece of others"
        elif short(path) not in WITHOUT_ID:
            assert "{{" in found or found in {own, f"{path.parent.name}-{own}"}, f"the root's id is {found!r}"

    def test_without_an_id_exist(self) -> None:
        assert set(WITHOUT_ID) <= {short(path) for path in PARTIALS}


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
class TestEveryTemplate:
    def test_compiles(self, path: Path) -> None:
        get_template(short(path))

    def test_trusts_no_text(self, path: Path) -> None:
        assert not re.search(r"\|\s*safe\b|\|\s*safeseq\b|autoescape\s+(?:off|false)|Markup", path.read_text(encoding="utf-8"))

    def test_runs_under_the_content_security_policy(self, path: Path) -> None:
        assert "script-src 'self';" in middleware.CSP
        assert "style-src 'self';" in middleware.CSP
        for tag in parsed(path).find_all(True):
            assert tag.name != "style"
            assert tag.name != "script" or tag.get("src"), "a script of its own"
            for attribute, value in tag.attrs.items():
                text = plain(" ".join(value) if isinstance(value, list) else str(value))
                assert not attribute.startswith(("on", "hx-on")), f"{attribute} is code"
                assert attribute != "style", "an inline style"
                assert not re.match(r"(?:js|javascript):", text.strip()), f"{attribute} is code"
                assert attribute != "hx-trigger" or "[" not in text, "a filter of hx-trigger is code"

    def test_loads_nothing_from_elsewhere(self, path: Path) -> None:
        for tag in parsed(path).find_all(["script", "link", "img", "source", "iframe", "use"]):
            for attribute in ("src", "href", "srcset"):
                assert not re.match(r"(?:https?:)?//", plain(str(tag.get(attribute, ""))))

    def test_works_without_javascript(self, path: Path) -> None:
        for tag in parsed(path).select("[hx-post]"):
            if tag.name == "form":
                assert plain(str(tag.get("action"))) == plain(str(tag["hx-post"]))
                assert str(tag.get("method")).lower() == "post"
            else:
                assert tag.name in {"button", "input"}
                assert plain(str(tag.get("formaction"))) == plain(str(tag["hx-post"]))
        for tag in parsed(path).select("a[hx-get]"):
            assert tag.get("href"), plain(str(tag))

    def test_gives_every_posted_form_its_token(self, path: Path) -> None:
        for form in parsed(path).select("form"):
            if str(form.get("method", "")).lower() == "post":
                inside = plain(str(form))
                assert "{% csrf_token %}" in inside or "{{ csrf_field(csrf_token) }}" in inside
