"""What holds for every page and everything that can be open on it (tests/browser/scenes.py)."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, ViewportSize, sync_playwright

from tests.browser import axe, layout, read_aloud
from tests.browser.conftest import ARGS, Visit
from tests.browser.scenes import PHONE, SCENES, WIDE, Scene, Stage, scenes

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]  # each test walks through many pages

PEOPLE = sorted({scene.who for scene in SCENES})
Walk = Callable[[str], Iterator[tuple[Page, Scene]]]


@pytest.fixture
def walk(stage: Stage, visit: Visit) -> Walk:
    """``walk(who)``: a page in each scene of this person, on a wide screen, or on a phone where it is only there."""

    def walk(who: str) -> Iterator[tuple[Page, Scene]]:
        context = visit(reduced_motion="reduce")
        stage.let_in(context, who)
        page = context.new_page()
        for scene in scenes(who):
            show(page, stage, scene, WIDE if scene.wide else PHONE)
            yield page, scene

    return walk


def show(page: Page, stage: Stage, scene: Scene, size: ViewportSize) -> None:
    page.set_viewport_size(size)
    stage.play(page, scene)


@pytest.mark.parametrize("who", PEOPLE)
def test_axe_has_nothing_to_complain_of(walk: Walk, stage: Stage, who: str):
    found: list[str] = []

    def look(page: Page, where: str) -> None:
        found.extend(f"{where}: {complaint}" for complaint in axe.complaints(page))
        page.emulate_media(color_scheme="dark")
        found.extend(f"{where}, dark: {complaint}" for complaint in axe.complaints(page, axe.COLOURS))
        page.emulate_media(color_scheme="light")

    for page, scene in walk(who):
        look(page, scene.name)
        if scene.wide and scene.narrow:
            show(page, stage, scene, PHONE)
            look(page, f"{scene.name}, on a phone")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("who", PEOPLE)
def test_is_clear_to_who_only_hears_it(walk: Walk, who: str):
    found = [f"{scene.name}: {what}" for page, scene in walk(who) for what in read_aloud.unclear(page)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("who", PEOPLE)
def test_tab_leads_down_the_page_and_out_of_it(walk: Walk, who: str):
    found = []
    for page, scene in walk(who):
        if scene.act is None:
            page.evaluate("document.querySelector('.skip, #main a, #main input').focus()")
            found += [f"{scene.name}: {problem}" for problem in layout.tab_through(page)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("who", PEOPLE)
def test_is_in_reach_when_it_is_zoomed(walk: Walk, who: str):
    found = []
    for page, scene in walk(who):
        page.set_viewport_size(layout.AT_200_PERCENT)
        found += [f"{scene.name}: {problem}" for problem in layout.problems(page)]
        page.set_viewport_size(layout.AT_400_PERCENT)
        found += [f"{scene.name}, at 400 %: {problem}" for problem in layout.too_wide(page)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("who", PEOPLE)
def test_is_in_reach_with_large_letters(stage: Stage, chromium_path: str, who: str):
    found = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path, args=[*ARGS, layout.LARGE_LETTERS])
        context = chromium.new_context(base_url=stage.server.url, reduced_motion="reduce")
        stage.let_in(context, who)
        page = context.new_page()
        for scene in scenes(who, narrow=True):  # with such letters a wide screen is a narrow one
            show(page, stage, scene, WIDE)
            found += [f"{scene.name}: {problem}" for problem in layout.problems(page)]
        chromium.close()
    assert not found, "\n".join(found)
