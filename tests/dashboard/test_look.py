"""What can be measured of the looks: contrast in both themes, weight of a first visit."""

import gzip
import math
import re
from pathlib import Path

import pytest
from django.test import Client

from agentos.agents.models import DjangoAgent
from agentos.core.stylesheets import PARTS
from tests.html import page

STATIC = Path(__file__).resolve().parent.parent.parent / "static"
CSS = "\n".join((STATIC / name).read_text(encoding="utf-8") for name in PARTS)
OKLCH = r"oklch\(([\d.]+) ([\d.]+) ([\d.]+)(?: / [\d.]+)?\)"
TOKEN = re.compile(rf"--([a-z-]+): light-dark\({OKLCH}, {OKLCH}\);")
TILE = re.compile(r"light-dark\(oklch\(([\d.]+) ([\d.]+) var\(--hue\)\), oklch\(([\d.]+) ([\d.]+) var\(--hue\)\)\)")
HUES = [float(hue) for hue in re.findall(r"\.hue-\d+ { --hue: (\d+); }", CSS)]
THEMES = ("light", "dark")
BUDGET = 60_000  # bytes, compressed, everything over the wire

Colour = tuple[float, float, float]


def tokens(theme: str) -> dict[str, Colour]:
    start = 2 if theme == "light" else 5
    return {found[1]: (float(found[start]), float(found[start + 1]), float(found[start + 2])) for found in TOKEN.finditer(CSS)}


def luminance(colour: Colour) -> float:
    """WCAG's relative luminance of a colour in OKLCH."""
    lightness, chroma, hue = colour
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long, medium, short = (
        (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3,
        (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3,
        (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3,
    )
    red = 4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short
    red, green, blue = (min(1.0, max(0.0, part)) for part in (red, green, blue))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Colour, other: Colour) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


TEXT = [
    *((ink, paper) for ink in ("ink", "ink-soft", "accent", "bad", "warn", "good") for paper in ("paper", "paper-raised", "paper-sunk")),
    ("ink", "tint"),
    ("ink-soft", "tint"),
    ("ink", "bad-tint"),
    ("accent-ink", "accent"),
    ("accent-ink", "accent-strong"),
    *((f"code-{kind}", "paper-sunk") for kind in ("key", "string", "number", "name", "comment")),
]
LINES = [
    ("line-strong", "paper"),
    ("line-strong", "paper-raised"),
    ("accent", "paper"),
    ("accent", "paper-raised"),
    ("bad", "paper-raised"),
]


@pytest.mark.parametrize("theme", THEMES)
class TestContrast:
    @pytest.mark.parametrize(("ink", "paper"), TEXT)
    def test_of_text_is_enough(self, theme: str, ink: str, paper: str) -> None:
        colours = tokens(theme)
        assert contrast(colours[ink], colours[paper]) >= 4.5

    @pytest.mark.parametrize(("line", "paper"), LINES)
    def test_of_lines_that_matter_is_enough(self, theme: str, line: str, paper: str) -> None:
        colours = tokens(theme)
        assert contrast(colours[line], colours[paper]) >= 3

    def test_of_every_tile_is_enough(self, theme: str) -> None:
        ground, letters = TILE.findall(CSS)[:2]
        at = 0 if theme == "light" else 2
        assert len(HUES) == 12
        for hue in HUES:
            paper = (float(ground[at]), float(ground[at + 1]), hue)
            assert contrast(paper, (float(letters[at]), float(letters[at + 1]), hue)) >= 4.5


class TestContrastItself:
    def test_agrees_with_known_values(self) -> None:
        assert contrast((0.0, 0.0, 0.0), (1.0, 0.0, 0.0)) == pytest.approx(21, abs=0.01)
        assert contrast((1.0, 0.0, 0.0), (0.6279, 0.2577, 29.23)) == pytest.approx(4.0, abs=0.01)  # white on #f00


class TestWeight:
    @pytest.mark.django_db
    def test_of_a_first_visit_is_small(self, as_member: Client, team_agent: DjangoAgent) -> None:
        for path in ("/agentos/", "/agentos/chat/support-writer/", "/agentos/agents/"):
            response = as_member.get(path)
            found = page(response)
            links = [str(tag.get("src") or tag.get("href")) for tag in found.all("script[src], link[rel=stylesheet], link[rel=icon]")]
            files = [STATIC / link.removeprefix("/static/") for link in links]
            weight = sum(len(gzip.compress(file.read_bytes())) for file in files) + len(gzip.compress(response.content))
            assert weight <= BUDGET, (path, weight)
            assert all(link.startswith("/static/") for link in links)
