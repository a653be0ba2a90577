"""The stylesheet: a file and a cascade layer for each part, one file for browsers."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.core.management import call_command
from django.template import Context, Template

from agentos.core.stylesheets import PARTS, WHOLE

ROOT = Path(__file__).resolve().parents[2] / "static"
APART = ("css/workshop.css", "css/api.css", "css/files.css", "css/import.css", "css/voice.css")  # for the pages that have such things
OURS = "agentos.core.stylesheets.Storage"
DJANGOS = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
FILES = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("css/*.css"))
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def layer_of(name: str) -> str:
    return Path(name).stem


def source(name: str) -> str:
    return COMMENT.sub("", (ROOT / name).read_text(encoding="utf-8"))


def outermost(css: str) -> list[str]:
    """Return what stands outside of all braces, block by block."""
    found, depth = [""], 0
    for char in css:
        if depth == 0 and char == ";":
            found.append("")
        elif char == "{":
            depth += 1
        elif char == "}":
            depth -= 1
            found += [""] if depth == 0 else []
        elif depth == 0:
            found[-1] += char
    return [text.strip() for text in found if text.strip()]


class TestParts:
    def test_are_all_files_but_that_of_the_api_page(self) -> None:
        assert {*PARTS, *APART} == set(FILES)

    @pytest.mark.parametrize("name", FILES)
    def test_open_their_own_layer_once_and_stand_in_it(self, name: str) -> None:
        statements = [text for text in outermost(source(name)) if "," not in text]
        assert statements == [f"@layer {layer_of(name)}"]

    def test_are_ordered_by_the_first_one(self) -> None:
        (order,) = [text for text in outermost(source(PARTS[0])) if "," in text]
        layers = order.removeprefix("@layer ").split(", ")
        workshop = layers.index("workshop")
        assert layers[workshop + 1] == "contrast"  # which has the last word, as on every page
        assert [*layers[:workshop], *layers[workshop + 1 :]] == [layer_of(name) for name in (*PARTS, *APART[1:])]


def choices(css: str) -> Iterator[list[str]]:
    """Yield what each ``:is()`` may be, without what is inside ``:where()``."""
    for start in re.finditer(r":is\(", css):
        depth, end = 1, start.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(css[end], 0)
            end += 1
        yield re.split(r",\s*(?![^(]*\))", re.sub(r":where\((?:[^()]|\([^()]*\))*\)", "", css[start.end() : end - 1]))


def weight(selector: str) -> tuple[int, int]:
    return len(re.findall(r"#", selector)), len(re.findall(r"\.|\[|(?<!:):(?!:)", selector))


class TestChoices:
    @pytest.mark.parametrize("name", FILES)
    def test_weigh_the_same(self, name: str) -> None:
        """The heaviest one in an ``:is()`` lifts the others: ``.prose :is(p, .code)`` beats ``.prose p``."""
        assert [found for found in choices(source(name)) if len({weight(selector) for selector in found}) > 1] == []

    def test_are_weighed(self) -> None:
        assert weight("p") == (0, 0)
        assert weight("a.b[c]:hover::before") == (0, 3)
        assert list(choices("x:is(p, .a:where(:not(.b, .c)), [d]) y")) == [["p", ".a", "[d]"]]


def linked() -> list[str]:
    html = Template("{% stylesheets %}").render(Context())
    assert html.count("<link") == html.count('<link rel="stylesheet" href="/static/')
    return re.findall(r'href="/static/([^"]+)"', html)


@pytest.fixture
def collected(request: pytest.FixtureRequest, settings: Any, tmp_path: Path) -> Path:
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": request.param}}
    call_command("collectstatic", verbosity=0, interactive=False)
    return tmp_path


class TestCollecting:
    @pytest.mark.parametrize("collected", [OURS], indirect=True)
    def test_makes_one_file_of_the_parts(self, collected: Path) -> None:
        call_command("collectstatic", verbosity=0, interactive=False)  # a second time, over the first
        (name,) = linked()
        assert re.fullmatch(r"css/app\.[0-9a-f]{12}\.css", name)
        made, given = (collected / name).read_text(encoding="utf-8"), "\n".join(source(part) for part in PARTS)
        assert [line.rstrip() for line in made.splitlines() if line.strip()] == [
            line.strip() for line in given.splitlines() if line.strip()
        ]
        assert (collected / f"{name}.gz").exists()
        assert storages["staticfiles"].listdir("css")[1].count(Path(WHOLE).name) == 1

    @pytest.mark.parametrize("collected", [DJANGOS], indirect=True)
    def test_in_another_way_leaves_the_parts(self, collected: Path) -> None:
        names = linked()
        assert [re.sub(r"\.[0-9a-f]{12}\.", ".", name) for name in names] == list(PARTS)
        assert all((collected / name).exists() for name in names)

    def test_is_no_condition(self) -> None:
        assert linked() == list(PARTS)
