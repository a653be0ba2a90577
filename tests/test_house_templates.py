"""The rules of pages and fragments, read from their sources."""

import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, NavigableString, Tag
from bs4.element import PreformattedString
from django.template.loader import get_template

from agentos.core.http import middleware

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(ROOT.glob("templates/**/*.html"))
PARTIALS = sorted(ROOT.glob("partials/**/*.html"))
TEMPLATES = [*PAGES, *PARTIALS]
TAG = re.compile(r"{%.*?%}|{{.*?}}|{#.*?#}", re.DOTALL)

INCLUDE = re.compile(r'{%\s*include\s+"([^"#]+)')

# Answers whose root is not the one thing that they swap, and why.
WITHOUT_ID = {
    "chat/_older_turns.html": "a pager's answer: the pager itself, and a hx-partial for the turns",
    "chat/_sidebar_older.html": "a pager's answer: rows, and the next link",
    "shared/_templates.html": "several templates, which app.js copies",
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

    def test_keeps_the_words_of_a_button_together(self, path: Path) -> None:
        """A button sets its children apart: a name in the middle of its words belongs into one element with them."""
        for bdi in parsed(path).select(".button > bdi, .quiet > bdi"):
            around = " ".join(bdi.parent.find_all(string=True, recursive=False)) if bdi.parent else ""
            assert not re.sub(r"\bdj[0-9a-f]+x\b", "", around).strip(), bdi.parent

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
                assert "{% csrf_token %}" in inside


class TestWhatPeopleWrote:
    """A name is read by people, who have to read what is there: core/security/invisible.py."""

    PRINTED = re.compile(r"{{\s*([a-z_][\w.]*)((?:\|[^}]*?)?)\s*}}")
    # What is printed under a name of its own: {% blocktranslate with name=agent.name|visible %}.
    NAMING = re.compile(r"{%\s*(?:blocktranslate|with)\b([^%]*)%}")
    NAMED = re.compile(r"\b[a-z_]+=([a-z_][\w.]*)((?:\|\S+)?)")
    TRANSLATED = re.compile(r"({% blocktranslate\b[^%]*%})(.*?)({% endblocktranslate %})", re.DOTALL)
    # The last word of an expression that prints what somebody has typed, or a model has said; and models that print their name.
    FIELDS = re.compile(
        r"name|title|description|email|get_full_name|get_short_name|agent_name|args|result|opened_by|why|unavailable|outcome|event|message_id"
        r"|off_because|rejected_because|sentence|url|choice_label|header_lines|content|session|forked_from|endpoint|agent|team|plan|message"
        r"|identity|replay_of|capability|now"
    )
    # Of the house's own words, or what is edited and has to come back as it is.
    OURS = frozenset(
        {
            *(
                "field.name",
                "form.name",
                "form.url",
                "form.team",
                "form.agent",
                "group.name",
                "facet.name",
                "chapter.name",
                "box.name",
                "state.name",
            )
        }
        | {*("event", "chosen.event", "url", "name", "title", "values.name", "values.description")}
        | {*("offered.name", "other.url", "address.email")}
        | {*("values.message", "errors.message", "result.outcome")}
        | {*("errors.name", "errors.description", "errors.team")}
    )
    OWN_PAGES = frozenset({"templates/agentos/integrations.html", "templates/agentos/api_docs.html"})
    DECIDED_BY = frozenset({"_part.html", "_asks.html", "_arguments.html"})

    def printed(self, path: Path) -> list[tuple[str, str]]:
        """What a template prints, each with its filters. What a sentence prints was named when it began."""
        source = self.TRANSLATED.sub(lambda found: found[1] + found[3], path.read_text(encoding="utf-8"))
        named = " ".join(found[1] for found in self.NAMING.finditer(source))
        return [(found[1], found[2]) for found in (*self.PRINTED.finditer(source), *self.NAMED.finditer(named))]

    def test_is_shown_with_what_cannot_be_seen(self) -> None:
        raw = [
            (name(path), *each)
            for path in TEMPLATES
            for each in self.printed(path)
            if self.FIELDS.fullmatch(each[0].rpartition(".")[2]) and each[0] not in self.OURS and name(path) not in self.OWN_PAGES
            if not re.match(r"\|(visible|exact)\b", each[1])
        ]
        assert raw == []

    def test_is_shown_exactly_where_somebody_decides(self) -> None:
        paths = [path for path in TEMPLATES if path.name in self.DECIDED_BY]
        assert {path.name for path in paths} == self.DECIDED_BY
        words = ("part.name", "part.result", "ask.name", "argument.label", "argument.text", "field.label", "field.hint", "field.error")
        found = [(path.name, *each) for path in paths for each in self.printed(path)]
        assert {word for _, word, _ in found} >= set(words)
        assert [each for each in found if each[1] in words and each[2] != "|exact"] == []


class TestSentences:
    """Whatever is said to people can be said in their language."""

    SAID = re.compile(r"{%\s*(comment|blocktranslate)\b.*?{%\s*end\1\s*%}", re.DOTALL)
    # {% include "..." with heading="Not found" %}, {{ name|default:"Nobody" }}: a literal that is neither a name nor a place of ours.
    LITERAL = re.compile(r'(?:\w=|\|(?:default|yesno):)"((?:[A-Z]|[^"]* )[^"]*)"')
    ATTRIBUTES = ("aria-label", "title", "placeholder", "alt", "data-language")
    # What programs read, and keys.
    NO_SENTENCES = ("script", "style", "pre", "code", "kbd", "svg")
    NAMES = frozenset({"AgentOS", "message_received", "shell", "json"})

    def unmarked(self, source: str) -> list[str]:
        rest = self.SAID.sub("", source)
        literals = [found for tag in TAG.findall(rest) for found in self.LITERAL.findall(tag)]
        html = BeautifulSoup(TAG.sub("", rest), "html.parser")
        attributes = [str(tag[name]) for tag in html.find_all(True) for name in self.ATTRIBUTES if tag.has_attr(name)]
        texts = [str(text) for text in html.find_all(string=True) if not isinstance(text, PreformattedString) and not self.is_code(text)]
        said = (" ".join(each.strip(" ·,.()").split()) for each in (*literals, *attributes, *texts))
        return [each for each in said if re.search(r"[^\W\d_]{2}", each) and each not in self.NAMES]

    def is_code(self, text: NavigableString) -> bool:
        return text.find_parent(self.NO_SENTENCES) is not None

    @pytest.mark.parametrize("path", TEMPLATES, ids=name)
    def test_are_marked_for_translation(self, path: Path) -> None:
        assert self.unmarked(path.read_text(encoding="utf-8")) == []

    @pytest.mark.parametrize(
        "source",
        [
            "<p>Hello</p>",
            '<p>{% translate "Hello" %} you</p>',
            "<p>{{ number }} found</p>",
            '<a aria-label="Go on"></a>',
            '<input placeholder="{{ n }} words">',
            '{% include "x.html" with place="Agents" %}',
            '{{ x|default:"no answer" }}',
            '{{ x|yesno:"Pin,Unpin" }}',
        ],
    )
    def test_that_are_not_marked_are_found(self, source: str) -> None:
        assert len(self.unmarked(source)) == 1

    @pytest.mark.parametrize(
        "source",
        [
            '<p title="{% translate "Hello" %}">{% translate "Hello" %} · {{ name }}</p>',
            "<p>{% blocktranslate with n=name %}Hello <b>{{ n }}</b>{% endblocktranslate %}</p>",
            '{% include "x.html" with place=_("Agents") name="agents" url="dashboard:agents" %}{{ x|yesno:"0,1" }}',
            "<pre>curl</pre><kbd>Enter</kbd>{# A note #}{% comment %}Another note{% endcomment %}AgentOS",
        ],
    )
    def test_that_are_marked_are_not(self, source: str) -> None:
        assert self.unmarked(source) == []
