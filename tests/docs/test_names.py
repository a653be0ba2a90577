"""What the documents name is there: paths, names in files, settings, commands, addresses, links, and the sentences of troubleshooting."""

import ast
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.conf import global_settings
from django.core.management import get_commands
from django.urls import Resolver404, resolve

from agentos.agents.providers import PROVIDERS
from agentos.conf import declared
from site_config.cli import COMMANDS
from site_config.env import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("docs/*.md"), *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md"))])
TROUBLES = ROOT / "docs" / "troubleshooting.md"

# Where a path may begin that is written without its first folders.
BEGINNINGS = ("", "agentos", "templates", "partials", "static", "static/css")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"(?:[\w.-]+/)*[\w.-]+\.(?:py|html|css|js|md|toml|txt|svg)|(?:[\w.-]+/)+")
MOST_RUNS = 3
PLACEHOLDER = re.compile(r"<[^>]+>")
# Set for others than us: by providers' packages, and by whoever runs the example.
FOREIGN_SETTINGS = {"OLLAMA_HOST", "WEBHOOK_URL", "WEBHOOK_SECRET", "RECEIVER_PORT", "DJANGO_SETTINGS_MODULE", "NAME_FILE"}
FOREIGN_SETTINGS |= {
    "OTEL_TRACES_SAMPLER",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OPENINFERENCE_HIDE_INPUTS",
    "OPENINFERENCE_HIDE_OUTPUTS",
}  # OpenTelemetry's
IN_EXAMPLES = {"AGENTOS_URL", "AGENTOS_TOKEN", "AGENTOS_SNAPSHOT", "EMAIL_FIELD"}  # the last is a user model's


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def spans(page: Path) -> list[str]:
    """Return what is set as code inside of sentences and tables."""
    return SPAN.findall(FENCE.sub("", text_of(page)))


def commands(page: Path) -> list[str]:
    """Return the lines of shell examples, and what looks like a command inside of sentences."""
    shells = re.findall(r"^```sh\n(.*?)^```", text_of(page), re.MULTILINE | re.DOTALL)
    return [*(line for shell in shells for line in shell.splitlines()), *spans(page)]


def found_at(path: str) -> Path | None:
    return next((ROOT / start / path for start in BEGINNINGS if (ROOT / start / path).exists()), None)


class TestPaths:
    @pytest.mark.parametrize("page", PAGES, ids=name)
    def test_are_there_with_the_names_that_are_in_them(self, page: Path) -> None:
        missing = []
        for span in spans(page):
            path, _, names = span.partition(": ")
            if not PATH.fullmatch(path) or "/" not in path:
                continue
            place = found_at(path)
            if place is None:
                missing.append(span)
            elif place.is_file():
                source = text_of(place)
                missing += [
                    f"{path}: {word}" for word in re.split(r"[,.\s]+", names) if word and not re.search(rf"\b{re.escape(word)}\b", source)
                ]
        assert missing == []


class TestSettings:
    @pytest.mark.parametrize("page", PAGES, ids=name)
    def test_are_declared(self, page: Path) -> None:
        keys = {key for provider in PROVIDERS.values() for group in provider.keys for key in group}
        of_a_project = {setting.name for setting in declared()} | set(dir(global_settings))
        known = SETTINGS.keys() | keys | of_a_project | FOREIGN_SETTINGS | IN_EXAMPLES
        named = set(re.findall(r"\b(?:AGENTOS|EMAIL|SECURE|SECRET)_[A-Z_]*[A-Z]\b", text_of(page)))
        named |= {span.partition("=")[0] for span in spans(page) if re.fullmatch(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?:=.*)?", span)}
        assert {each for each in named if each not in known and each.removesuffix("_FILE") not in known} == set()


class TestCommands:
    @pytest.mark.parametrize("page", PAGES, ids=name)
    def test_can_be_given(self, page: Path) -> None:
        assert [line for line in commands(page) if not is_known(line)] == []


def is_known(line: str) -> bool:
    """Whether all commands of ours in a line exist."""
    targets = set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    if found := re.match(r"make ((?:[a-z-]+ ?)+)", line):
        return set(found[1].split()) <= targets
    if found := re.search(r"(?:manage\.py|agentos manage) ([a-z_]+)", line):
        return found[1] in get_commands()
    if found := re.match(r"agentos ([a-z]+)", line):
        return found[1] in COMMANDS.keys() | {"manage"}
    if found := re.search(r"python -m (tests[\w.]*)", line):
        return find_spec(found[1]) is not None
    return True


class TestAddresses:
    @pytest.mark.parametrize("page", PAGES, ids=name)
    def test_are_served(self, page: Path) -> None:
        named = {span for span in spans(page) if re.fullmatch(r"/(?:agentos|api|v1|admin|sign-in|sign-out)(?:/[^\s{}]*)?", span)}
        assert sorted(address for address in named if not is_served(address.split("?")[0])) == []


def is_served(address: str) -> bool:
    if address.startswith("/api/v1/agentos/fastapi/"):
        return True  # Agno's own: gateway/routes.py
    begins = PLACEHOLDER.sub("1", address)
    for ending in ("", "/", "/1/", "docs/"):
        try:
            resolve(begins + ending)
        except Resolver404:
            continue
        return True
    return False


class TestLinks:
    @pytest.mark.parametrize("page", PAGES, ids=name)
    def test_lead_somewhere(self, page: Path) -> None:
        missing = []
        for link in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
            path, _, anchor = link.partition("#")
            if path.startswith(("http:", "https:", "../../security")):  # the last one is GitHub's own page
                continue
            target = (page.parent / path) if path else page
            if not target.exists() or (anchor and anchor not in anchors(target)):
                missing.append(link)
        assert missing == []


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text_of(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@cache
def said_by() -> dict[str, str]:
    """Return what each file of ours may say: the texts of Python, each implied concatenation whole, and the words of pages and scripts."""
    found = {name(path): texts_of(path) for room in ("agentos", "site_config") for path in ROOT.glob(f"{room}/**/*.py")}
    for pattern in ("templates/**/*.html", "partials/**/*.html", "static/js/*.js", "Makefile"):
        found |= {name(path): " ".join(text_of(path).split()) for path in ROOT.glob(pattern)}
    return found


def texts_of(path: Path) -> str:
    found = []
    for node in ast.walk(ast.parse(text_of(path))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(node.value)
        elif isinstance(node, ast.JoinedStr):
            found.append("".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values))
    return "\n".join(" ".join(re.sub(r"\{[^{}]*\}|%[sd]", "…", text).split()) for text in found)


def is_said(piece: str, text: str) -> bool:
    """Whether a text says it, or two or three of its texts one after the other."""
    words, runs = piece.split(), 0
    while words:
        known = next((count for count in range(len(words), 0, -1) if " ".join(words[:count]) in text), 0)
        if not known or runs == MOST_RUNS:
            return False
        words, runs = words[known:], runs + 1
    return True


def quoted() -> list[str]:
    """Return the sentences that one sees: the lines in bold. An ellipsis stands for what differs."""
    return re.findall(r"^\*\*(.+?)\*\*$", text_of(TROUBLES), re.MULTILINE)


class TestTroubles:
    @pytest.mark.parametrize("sentence", quoted())
    def test_are_said_by_our_code(self, sentence: str) -> None:
        pieces = [piece.strip(" .") for piece in sentence.split("…") if len(piece.strip(" .")) > 1]
        assert any(all(is_said(piece, text) for piece in pieces) for text in said_by().values()), pieces

    def test_are_many(self) -> None:
        assert len(quoted()) > 20
