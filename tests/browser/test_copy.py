"""Copy: the answer as its model wrote it, and the form that it is shown in."""

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Page, expect

from tests.browser.acting import expect_status, start_chat, turn
from tests.browser.conftest import Visit
from tests.browser.server import Person

pytestmark = pytest.mark.browser

READ = """async () => {
  const [item] = await navigator.clipboard.read();
  const forms = {};
  for (const type of item.types) forms[type] = await (await item.getType(type)).text();
  return forms;
}"""

ANSWERS = {
    "all sorts": "1. Do **this**\n2. Run `x`\n\n| A | B |\n|---|---|\n| 1 | 2 |\n\n[link](https://example.com/x)",
    "formulas": "\\(a^2+b^2\\) and\n\n\\[\n\\int_0^1 x_i^2 \\, dx = \\frac{1}{3}\n\\]\n\n"
    "$$\n\\begin{bmatrix} 1 & 2 \\\\ 3 & 4 \\end{bmatrix}\n$$",
    "money": "It costs $5 and **$10.50**, from $2bn to $4bn.",
    "code": "```markdown\n# Title\n\n```bash\npip install thing\n```\n\nDone.\n```\n\nAfter.",
    "notes": "Claim[^1].\n\n[^1]: The source.\n\n> [!NOTE]\n> Mind this.",
    "lists": "- [ ] todo\n- [x] done\n\n3. three\n2. two\n1. lift off",
    "lines": "12 Sample Street\nBack entrance\nTown 12345",
    "other scripts": "**重要：**请注意。**「甲」**なので**「乙」**",
    "markup": "| a |\n|---|\n| x<br>y |\n| `x || y` |\n\n<b>&amp; &lt;</b>",
}
SHOWN = {
    "all sorts": ["ol > li > strong", "table td", "a[href='https://example.com/x']"],
    "formulas": ["math mfrac", "math mtr + mtr"],
    "code": ["pre code"],
    "notes": ["sup a", "div > p"],
    "lists": ["input[type=checkbox]", "ol[start='3']"],
    "lines": ["br"],
    "other scripts": ["strong"],
    "markup": ["td br", "td code"],
}


@pytest.fixture
def page(visit: Visit, person: Person) -> Page:
    context = visit(person)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    return context.new_page()


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_copied_as_its_model_wrote_it_and_as_it_is_shown(page: Page, name: str):
    start_chat(page, "parrot", ANSWERS[name])
    expect_status(page, "completed")
    turn(page).get_by_role("button", name="Copy answer 1").click()
    expect(turn(page).get_by_role("button", name="Copy answer 1")).to_have_text("Copied")
    forms = page.evaluate(READ)
    assert forms["text/plain"] == ANSWERS[name]
    html = BeautifulSoup(forms["text/html"], "html.parser")
    for selector in SHOWN.get(name, ["p"]):
        assert html.select(selector), forms["text/html"]
    assert html.select("button, script") == []


def test_the_keyboard_copies_and_keeps_its_place_over_plain_http(page: Page):
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    start_chat(page, "parrot", ANSWERS["formulas"])
    expect_status(page, "completed")
    button = turn(page).get_by_role("button", name="Copy answer 1")
    button.focus()
    button.press("Enter")
    expect(button).to_have_text("Copied")
    expect(button).to_be_focused()
    page.locator("#message").focus()
    page.keyboard.press("Control+V")
    expect(page.locator("#message")).to_have_value(ANSWERS["formulas"])


def test_thoughts_and_calls_are_not_copied(page: Page):
    start_chat(page, "tour", "Show me")
    expect_status(page, "completed")
    turn(page).get_by_role("button", name="Copy answer 1").click()
    expect(turn(page).get_by_role("button", name="Copy answer 1")).to_have_text("Copied")
    forms = page.evaluate(READ)
    thought = page.locator(".reasoning .prose").first.text_content() or ""
    assert thought.split()[0:4]
    assert " ".join(thought.split()[0:4]) not in forms["text/plain"]
    assert " ".join(thought.split()[0:4]) not in forms["text/html"]


def test_there_is_no_dead_button_without_javascript(visit: Visit, person: Person):
    plain = visit(person, java_script_enabled=False).new_page()
    plain.goto("/agentos/chat/parrot/")
    plain.locator("#message").fill("Hello")
    plain.locator("#send").click()
    for _ in range(50):
        if turn(plain).get_attribute("data-status") == "completed":
            break
        plain.reload()
    expect_status(plain, "completed")
    expect(turn(plain).locator("[data-copy]")).to_be_hidden()


class TestOwnMessage:
    def test_shows_code_as_code_and_the_rest_as_it_is_written(self, page: Page):
        start_chat(page, "parrot", "  Why **this**?\n```python\n  x = 1\n```")
        said = turn(page).locator(".said-text")
        expect(said.locator("pre")).to_have_text("  x = 1\n", use_inner_text=False)
        assert (said.text_content() or "").startswith("  Why **this**?")

    def test_unfolds_when_it_is_long(self, page: Page):
        start_chat(page, "quick", "\n".join(f"line {number}" for number in range(100)))
        said = turn(page).locator(".said")
        last = said.locator(".said-text").get_by_text("line 99")
        expect(last).to_be_hidden()
        said.get_by_text("Show more").click()
        expect(last).to_be_visible()
        said.get_by_text("Show less").click()
        expect(last).to_be_hidden()
