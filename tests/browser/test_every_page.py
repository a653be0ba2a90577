"""What holds for every page and everything that can be open on it (tests/browser/scenes.py)."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page

from tests.browser import axe
from tests.browser.conftest import Visit
from tests.browser.scenes import PHONE, SCENES, WIDE, Scene, Stage, scenes

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]  # each test walks through many pages

PEOPLE = sorted({scene.who for scene in SCENES})
Walk = Callable[[str], Iterator[tuple[Page, Scene, str]]]


@pytest.fixture
def walk(stage: Stage, visit: Visit) -> Walk:
    """``walk(who)``: a page in each scene of this person, on a wide screen and on a phone, where there is such a thing."""

    def walk(who: str) -> Iterator[tuple[Page, Scene, str]]:
        context = visit(reduced_motion="reduce")
        stage.let_in(context, who)
        page = context.new_page()
        for scene in scenes(who):
            for size, fits in ((WIDE, scene.wide), (PHONE, scene.narrow)):
                if fits:
                    page.set_viewport_size(size)
                    stage.play(page, scene)
                    yield page, scene, f"{scene.name}, {size['width']} px"

    return walk


@pytest.mark.parametrize("who", PEOPLE)
def test_axe_has_nothing_to_complain_of(walk: Walk, who: str):
    found = []
    for page, _, where in walk(who):
        found += [f"{where}: {complaint}" for complaint in axe.complaints(page)]
        page.emulate_media(color_scheme="dark")
        found += [f"{where}, dark: {complaint}" for complaint in axe.complaints(page, axe.COLOURS)]
        page.emulate_media(color_scheme="light")
    assert not found, "\n".join(found)
