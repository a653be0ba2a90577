"""Colours: as the system, light, dark; remembered, and right from the first paint on."""

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

AT_FIRST_PAINT = """
new PerformanceObserver(() => { window.paintedAs ??= document.documentElement.dataset.theme ?? "system"; })
  .observe({ type: "paint", buffered: true });
document.addEventListener("DOMContentLoaded", () => { window.loadedAs = document.documentElement.dataset.theme ?? "system"; });
"""


def background(page: Page) -> str:
    colour: str = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    return colour


class TestTheme:
    def test_goes_round_three_states_and_is_kept_without_a_flash(self, page: Page):
        page.emulate_media(color_scheme="light")
        page.add_init_script(AT_FIRST_PAINT)
        page.goto("/agentos/")
        button, root = page.locator("[data-theme-switch]"), page.locator("html")
        expect(button).to_have_accessible_name("Colours: as the system")
        colours = {"system": background(page)}
        for theme in ("light", "dark"):
            button.click()
            expect(root).to_have_attribute("data-theme", theme)
            colours[theme] = background(page)
            page.reload()
            page.wait_for_function("() => window.paintedAs")
            assert page.evaluate("[window.loadedAs, window.paintedAs]") == [theme, theme]
            assert background(page) == colours[theme]
            expect(button).to_have_accessible_name(f"Colours: {theme}")
        assert colours["system"] == colours["light"] != colours["dark"]
        button.click()
        expect(root).not_to_have_attribute("data-theme", "dark")
        page.emulate_media(color_scheme="dark")
        assert background(page) == colours["dark"]
