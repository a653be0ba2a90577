"""Every page, as each person who may open it sees it, and what can be open on it: what the tests of whole pages walk through.

A page of the site that is in no scene fails tests/test_scenes.py.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import BrowserContext, Page, ViewportSize, expect

from tests.browser.acting import expect_status, send, start_chat, turn, wait_for_stream, wait_for_words
from tests.browser.server import Server
from tests.chat import exports

WIDE: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Scene:
    """``act`` opens what the scene is about. ``wide``, ``narrow``: whether there is such a thing on such a screen."""

    name: str
    who: str
    path: str
    act: Callable[[Page], None] | None = None
    wide: bool = True
    narrow: bool = True


def wrong_password(page: Page) -> None:
    page.get_by_label("E-mail address").fill("nobody@example.com")
    page.get_by_label("Password", exact=True).fill("wrong")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert").first).to_be_visible()


def two_passwords(page: Page) -> None:
    page.get_by_label("Password", exact=True).fill("one of two passwords")
    page.get_by_label("The same password again").fill("another")
    page.get_by_role("button", name="Create the account").click()
    expect(page.locator(".error")).to_be_visible()


def invited_wrongly(page: Page) -> None:
    page.locator("#invite-go").click()
    expect(page.locator("#invite-form .error")).to_be_visible()


def suggested(page: Page) -> None:
    unfold(page)
    for part in ("starters", "instructions"):
        page.locator(f"#ask-{part}").click()
        expect(page.locator(f"#suggested-{part}")).to_be_visible()


def bad_test(page: Page) -> None:
    page.locator("#save-test").click()
    expect(page.locator("#test-message-error")).to_be_visible()


def kept_answer(page: Page) -> None:
    page.locator("#kept-answer summary").click()
    page.locator("#delete-test summary").click()


def account_menu(page: Page) -> None:
    page.locator("#account summary").click()


def drawer(page: Page) -> None:
    page.locator("#drawer-open").click()
    account_menu(page)


def chat_menu(page: Page) -> None:
    page.locator("#session-menu").click()
    expect(page.locator("#menu")).to_be_visible()


def bad_title(page: Page) -> None:
    chat_menu(page)
    page.locator("#rename-title").fill("x" * 500)
    page.locator("#rename-save").click()
    expect(page.locator("#rename-error")).to_be_visible()


def palette(page: Page) -> None:
    page.locator("#main").focus()
    page.keyboard.press("Control+k")
    expect(page.locator("#overlay [aria-selected=true]")).to_be_visible()


def empty_palette(page: Page) -> None:
    palette(page)
    page.keyboard.type("zzzz")
    expect(page.locator(".palette-none")).to_be_visible()


def shortcuts(page: Page) -> None:
    page.locator("#main").focus()
    page.keyboard.press("?")
    expect(page.locator("#overlay .shortcuts")).to_be_visible()


def sidebar_search(page: Page) -> None:
    page.locator("#search").fill("numbers")
    expect(page.locator("#sidebar-results .row")).not_to_have_count(0)
    expect(page.locator("#status")).to_have_text("2 found")


def folded_sidebar(page: Page) -> None:
    page.locator("[data-fold]").click()
    expect(page.locator("#sidebar")).to_be_hidden()


def everything_to_add(page: Page) -> None:
    for name in ("add-page", "add-text", "delete"):
        page.locator(f"#{name} > summary").click()


def skills_listed(page: Page) -> None:
    page.locator("#message").press_sequentially("Please /arch")
    expect(page.locator("#composer-skills [aria-selected=true]")).to_be_visible()


def picker(page: Page) -> None:
    page.locator("#agent-picker summary").click()


def everything_unfolded(page: Page) -> None:
    for fold in page.locator("#turns .fold-line > summary, #turns .said-more > summary").all():
        if fold.is_visible():
            fold.click()


def editing(page: Page) -> None:
    turn(page, 5).locator(".edit > summary").click()
    expect(turn(page, 5).locator("textarea")).to_be_focused()


# A microphone and a voice, where there are none; nothing is left for the scenes that come next.
VOICE = """() => {
    const sound = new AudioContext().createMediaStreamDestination();
    navigator.mediaDevices.getUserMedia = async () => sound.stream;
    Storage.prototype.setItem = () => {};
    window.SpeechSynthesisUtterance = class {};
    const voices = [{ name: "English", lang: "en-GB", localService: true }];
    const speech = { getVoices: () => voices, addEventListener() {}, cancel() {}, pause() {}, resume() {}, speak() {} };
    Object.defineProperty(window, "speechSynthesis", { value: speech });
}"""


def with_voice(page: Page) -> None:
    page.evaluate(VOICE)
    page.locator("[data-read]").last.click()
    expect(page.locator("#reader")).to_be_visible()
    page.locator("#record").click()
    expect(page.locator("#recorder")).to_be_visible()
    expect(page.locator("#reader")).to_have_count(0)  # or the microphone would hear it


def too_long(page: Page) -> None:
    page.locator("#message").evaluate("box => { box.value = 'x'.repeat(200_000); }")
    page.locator("#send").click()
    expect(page.locator("#composer-error")).to_be_visible()


def offline(page: Page) -> None:
    page.evaluate("() => { const strip = document.getElementById('offline'); strip.textContent = 'Reconnecting…'; strip.hidden = false; }")


def running(page: Page) -> None:
    start_chat(page, "silent", "Tell me about the pictures")
    wait_for_words(page, 4)


def queued(page: Page) -> None:
    running(page)
    send(page, "And about the frames")
    expect_status(page, "queued", 2)


def approval(page: Page) -> None:
    start_chat(page, "careful", "Write to Ada")
    expect(page.locator(".asks")).to_be_visible()


def team_asks(page: Page) -> None:
    start_chat(page, "desk", "What do we owe Ada?")
    expect(page.locator(".asks")).to_be_visible()
    for fold in page.locator(".delegation > summary").all():
        fold.click()


def team_answered(page: Page) -> None:
    team_asks(page)
    page.locator(".asks button[value=yes]").click()
    expect_status(page, "completed")


def errand(page: Page) -> None:
    start_chat(page, "errand", "What does tea cost?")
    expect(page.locator(".asks")).to_be_visible()
    page.locator(".numbers > summary").click()


def form(page: Page) -> None:
    start_chat(page, "curious", "Book a room")
    expect(page.locator(".asks")).to_be_visible()


def wrong_form(page: Page) -> None:
    form(page)
    page.locator(".asks input[type=text]").nth(1).fill("many")
    page.locator(".asks button[value=yes]").click()
    expect(page.locator(".asks .error").first).to_be_visible()


def answered(page: Page) -> None:
    start_chat(page, "quick", "Hello")
    expect_status(page, "completed")


def export_given(page: Page) -> None:
    data = exports.as_bytes([exports.chatgpt(), exports.openwebui(), exports.claude()])
    page.locator("#import-file").set_input_files({"name": "conversations.json", "mimeType": "application/json", "buffer": data})
    page.get_by_role("button", name="See what is in it").click()
    expect(page.locator("#import-count")).to_contain_text("3 chats would come")


def deleted_with_undo(page: Page) -> None:
    answered(page)
    wait_for_stream(page)
    page.locator("#session-menu").click()
    page.locator("#delete").click()
    page.wait_for_url("**/agentos/")
    expect(page.locator("#notices")).to_contain_text("deleted")


def refused_notice(page: Page) -> None:
    page.evaluate(
        """() => {
          const notice = document.getElementById("notice-template").content.firstElementChild.cloneNode(true);
          document.getElementById("notices").append(notice);
        }"""
    )


def filters_open(page: Page) -> None:
    fold = page.locator("#filters-open")
    if fold.is_visible():
        fold.click()


def new_token(page: Page) -> None:
    page.locator("form.create input[name=name]").fill("Scene")
    page.locator("form.create input[type=checkbox]").first.check()
    page.locator("form.create button[type=submit]").click()
    expect(page.locator(".secret")).to_be_visible()


def bad_form(page: Page) -> None:
    page.locator("form.create button[type=submit]").first.click()
    expect(page.locator(".error").first).to_be_visible()


def confirm(page: Page) -> None:
    for fold in page.locator(".confirm > summary").all():
        if fold.is_visible():
            fold.click()


def folds_and_confirm(page: Page) -> None:
    for fold in page.locator("details.more > summary").all():
        fold.click()
    confirm(page)


def unfold(page: Page) -> None:
    """All of the form; and nothing is saved by itself, which the next scene would find."""
    page.evaluate(
        """() => {
            document.getElementById("autosave").remove();
            for (const part of document.querySelectorAll("details.part")) part.open = true;
        }"""
    )


def previewed(page: Page) -> None:
    unfold(page)
    page.locator("#show-preview").click()
    expect(page.locator("#preview .prose")).to_be_visible()


def saved_by_another(page: Page) -> None:
    unfold(page)
    page.locator("#draft input[name=stamp]").evaluate("field => { field.value = '1-0'; }")
    page.locator("#draft-name").fill("Mine")
    page.locator("#save-draft").click()
    expect(page.locator("#save-error")).to_be_visible()


def with_a_member(page: Page) -> None:
    unfold(page)
    page.locator("[name=kind][value=team]").check()
    page.locator("#new-member").select_option(index=1)
    page.locator("#new-task").fill("Writes the letters that come out of it.")
    page.locator("#add-member").click()
    expect(page.locator(".member-card")).to_have_count(1)
    page.locator("#try-send").scroll_into_view_if_needed()  # the bar is where it stands then, and over nothing


def with_itself(page: Page) -> None:
    with_a_member(page)
    page.locator(".member-card [name=member]").evaluate("field => { field.value = 'just-begun'; }")
    page.locator("#save-draft").click()
    expect(page.locator("#draft-members-error")).to_be_visible()


def as_steps(page: Page) -> None:
    unfold(page)
    for number in (1, 2):
        page.locator("[name=kind][value=steps]").check()
        page.locator("#new-member").select_option(index=1)
        page.locator("#add-member").click()
        expect(page.locator(".member-card")).to_have_count(number)
    page.locator("#try-send").scroll_into_view_if_needed()


def without_file(page: Page) -> None:
    page.locator("#import-agent button").click()
    expect(page.locator("#import-file-error")).to_be_visible()


def tried(page: Page) -> None:
    page.locator("#try-box").fill("Write to Ada")
    page.locator("#try-send").click()
    expect(page.locator("#turn-1[data-status=completed]")).to_be_visible()


def tried_and_asked(page: Page) -> None:
    unfold(page)
    page.locator("#model-other").check()
    page.locator("#other-model").fill("scripted:approve")
    page.locator("#try-box").fill("Write to Ada")
    page.locator("#try-send").click()
    expect(page.locator("#try-asks .asks")).to_be_visible()


def ask_for_it(page: Page) -> None:
    button = page.locator("#ask-access")
    if button.is_visible():  # once is enough
        button.click()
    expect(page.get_by_role("status").filter(has_text="You asked")).to_be_visible()


SCENES = (
    Scene("signing in", ANONYMOUS, "/sign-in/"),
    Scene("a forgotten password", ANONYMOUS, "/password/"),
    Scene("a mail on its way", ANONYMOUS, "/password/sent/"),
    Scene("a link to a password that does not work", ANONYMOUS, "/password/1-nothing/"),
    Scene("a new password", ANONYMOUS, "/password/done/"),
    Scene("an address to confirm", ANONYMOUS, "/sign-up/mail/"),
    Scene("a link to confirm that does not work", ANONYMOUS, "/confirm/nothing/"),
    Scene("the account", "owner", "/agentos/settings/account/", confirm),
    Scene("changing a password", "owner", "/agentos/settings/account/password/"),
    Scene("addresses", "owner", "/agentos/settings/account/addresses/"),
    Scene("who is it", "owner", "/agentos/settings/account/again/"),
    Scene("second factors", "owner", "/agentos/settings/account/factors/"),
    Scene("connected providers", "owner", "/agentos/settings/account/connected/"),
    Scene("people", "operator", "/agentos/settings/people/"),
    Scene("people, none found", "operator", "/agentos/settings/people/?q=nobody"),
    Scene("a person, to an operator", "operator", "/agentos/settings/people/WHO/"),
    Scene("teams", "owner", "/agentos/settings/teams/"),
    Scene("teams of nobody", "newcomer", "/agentos/settings/teams/"),
    Scene("a team", "owner", "/agentos/settings/teams/TEAM/", folds_and_confirm),
    Scene("a team, invited wrongly", "owner", "/agentos/settings/teams/TEAM/", invited_wrongly),
    Scene("an invitation that does not work", ANONYMOUS, "/agentos/invitation/nothing/"),
    Scene("a wrong password", ANONYMOUS, "/sign-in/", wrong_password),
    Scene("a new operator", ANONYMOUS, "/setup/?token=LINK"),
    Scene("a new operator, wrongly filled in", ANONYMOUS, "/setup/?token=LINK", two_passwords),
    Scene("a link that does not work", ANONYMOUS, "/setup/"),
    Scene("the API's documents", ANONYMOUS, "/api/v1/agentos/docs/"),
    Scene("how to connect others", ANONYMOUS, "/api/v1/agentos/docs/integrations/"),
    Scene("no such page", ANONYMOUS, "/nothing/"),
    Scene("the API's documents, signed in", "member", "/api/v1/agentos/docs/"),
    Scene("a home without chats", "newcomer", "/agentos/"),
    Scene("no chats", "newcomer", "/agentos/sessions/"),
    Scene("an empty archive", "newcomer", "/agentos/sessions/?archived=1"),
    Scene("nothing deleted", "newcomer", "/agentos/sessions/deleted/"),
    Scene("no tokens", "newcomer", "/agentos/settings/tokens/"),
    Scene("nothing used", "newcomer", "/agentos/settings/usage/"),
    Scene("a locked agent", "newcomer", "/agentos/chat/researcher/"),
    Scene("a locked agent that one asked for", "newcomer", "/agentos/chat/analyst/", ask_for_it),
    Scene("no such chat", "newcomer", "/agentos/session/nothing/"),
    Scene("not for members", "newcomer", "/agentos/settings/inbox/"),
    Scene("webhooks of others", "member", "/agentos/settings/webhooks/"),
    Scene("home", "owner", "/agentos/"),
    Scene("home, the account's menu", "owner", "/agentos/", account_menu, narrow=False),
    Scene("home, the drawer", "owner", "/agentos/", drawer, wide=False),
    Scene("home, the sidebar folded", "owner", "/agentos/", folded_sidebar, narrow=False),
    Scene("home, a search in the sidebar", "owner", "/agentos/", sidebar_search, narrow=False),
    Scene("home, an error", "owner", "/agentos/", refused_notice),
    Scene("home, away", "owner", "/agentos/", offline),
    Scene("agents", "owner", "/agentos/agents/", filters_open),
    Scene("agents, none found", "owner", "/agentos/agents/?q=nothing"),
    Scene("a new chat", "owner", "/agentos/chat/AGENT/"),
    Scene("skills, while one writes", "owner", "/agentos/chat/AGENT/", skills_listed),
    Scene("a new chat, choosing", "owner", "/agentos/chat/AGENT/", picker),
    Scene("a chat", "owner", "/agentos/session/CHAT/"),
    Scene("a chat, unfolded", "owner", "/agentos/session/CHAT/", everything_unfolded),
    Scene("a chat, its menu", "owner", "/agentos/session/CHAT/", chat_menu),
    Scene("a chat, a title too long", "owner", "/agentos/session/CHAT/", bad_title),
    Scene("a chat, speaking and being read to", "owner", "/agentos/session/CHAT/", with_voice),
    Scene("a chat, editing", "owner", "/agentos/session/CHAT/", editing),
    Scene("a chat, a message too long", "owner", "/agentos/session/CHAT/", too_long),
    Scene("a chat, the palette", "owner", "/agentos/session/CHAT/", palette),
    Scene("a chat, the palette, none found", "owner", "/agentos/session/CHAT/", empty_palette),
    Scene("a chat, the shortcuts", "owner", "/agentos/session/CHAT/", shortcuts),
    Scene("a fork", "owner", "/agentos/session/FORK/"),
    Scene("a chat with a locked agent", "owner", "/agentos/session/CLOSED/"),
    Scene("managing a chat", "owner", "/agentos/session/CHAT/manage/"),
    Scene("an answer that runs", "member", "/agentos/", running),
    Scene("a message that waits", "member", "/agentos/", queued),
    Scene("an approval", "member", "/agentos/", approval),
    Scene("a team that asks", "member", "/agentos/", team_asks),
    Scene("a team that has answered", "member", "/agentos/", team_answered),
    Scene("an approval after a chart", "member", "/agentos/", errand),
    Scene("a form", "member", "/agentos/", form),
    Scene("a form, wrongly filled in", "member", "/agentos/", wrong_form),
    Scene("an answer, just come", "member", "/agentos/", answered),
    Scene("a deleted chat, with undo", "member", "/agentos/", deleted_with_undo),
    Scene("all chats", "owner", "/agentos/sessions/"),
    Scene("a search", "owner", "/agentos/sessions/?q=numbers"),
    Scene("a search, nothing found", "owner", "/agentos/sessions/?q=zebra"),
    Scene("forks of a chat", "owner", "/agentos/sessions/?forks=CHAT"),
    Scene("the archive", "owner", "/agentos/sessions/?archived=1"),
    Scene("deleted chats", "owner", "/agentos/sessions/deleted/"),
    Scene("importing chats", "owner", "/agentos/sessions/import/"),
    Scene("an export, looked at", "owner", "/agentos/sessions/import/", export_given),
    Scene("shortcuts", "owner", "/agentos/shortcuts/"),
    Scene("the person", "owner", "/agentos/settings/person/"),
    Scene("tokens", "owner", "/agentos/settings/tokens/", confirm),
    Scene("a new token", "member", "/agentos/settings/tokens/", new_token),
    Scene("a token without a name", "owner", "/agentos/settings/tokens/", bad_form),
    Scene("usage", "owner", "/agentos/settings/usage/"),
    Scene("plans", "owner", "/agentos/settings/plans/"),
    Scene("plans of somebody new", "newcomer", "/agentos/settings/plans/"),
    Scene("prices of plans", "operator", "/agentos/settings/plans/prices/"),
    Scene("usage of a team", "owner", "/agentos/settings/teams/TEAM/usage/?period=year"),
    Scene("the installation", "operator", "/agentos/settings/installation/"),
    Scene("providers of sign-ins", "operator", "/agentos/settings/providers/"),
    Scene("a new provider", "operator", "/agentos/settings/providers/new/", bad_form),
    Scene("a provider", "operator", "/agentos/settings/providers/museum/", confirm),
    Scene("all plans", "operator", "/agentos/settings/all-plans/"),
    Scene("a new plan", "operator", "/agentos/settings/all-plans/new/"),
    Scene("a plan without a name", "operator", "/agentos/settings/all-plans/new/", bad_form),
    Scene("a plan", "operator", "/agentos/settings/all-plans/PLAN/", confirm),
    Scene("budgets", "operator", "/agentos/settings/budgets/"),
    Scene("usage of all", "operator", "/agentos/settings/usage/all/?period=year"),
    Scene("access requests", "owner", "/agentos/settings/access/"),
    Scene("webhooks", "owner", "/agentos/settings/webhooks/"),
    Scene("connections", "owner", "/agentos/settings/connections/"),
    Scene("connections of others", "newcomer", "/agentos/settings/connections/"),
    Scene("a connection, wrongly filled in", "owner", "/agentos/settings/connections/", bad_form),
    Scene("a connection", "owner", "/agentos/settings/connections/CRM/", folds_and_confirm),
    Scene("a key of one's own", "member", "/agentos/settings/connections/CRM/connect/"),
    Scene("a key of one's own, left out", "member", "/agentos/settings/connections/CRM/connect/", bad_form),
    Scene("signing in at a connection", "owner", "/agentos/settings/connections/paintings/connect/"),
    Scene("a connection at which members sign in", "owner", "/agentos/settings/connections/paintings/", folds_and_confirm),
    Scene("memory that is off", "member", "/agentos/settings/memory/"),
    Scene("memory", "owner", "/agentos/settings/memory/", confirm),
    Scene("a memory, wrongly filled in", "owner", "/agentos/settings/memory/", bad_form),
    Scene("a memory", "owner", "/agentos/settings/memory/NUMBER/"),
    Scene("a webhook, wrongly filled in", "owner", "/agentos/settings/webhooks/", bad_form),
    Scene("a webhook", "owner", "/agentos/settings/webhooks/HOOK/", confirm),
    Scene("a delivery", "owner", "/agentos/settings/webhooks/HOOK/message/MESSAGE/"),
    Scene("connections of everybody", "operator", "/agentos/settings/connections/"),
    Scene("models", "operator", "/agentos/settings/models/"),
    Scene("the workshop", "owner", "/agentos/workshop/"),
    Scene("a new agent", "owner", "/agentos/workshop/new/"),
    Scene("a new agent without a name", "owner", "/agentos/workshop/new/", bad_form),
    Scene("the gallery", "owner", "/agentos/workshop/gallery/"),
    Scene("importing without a file", "owner", "/agentos/workshop/new/", without_file),
    Scene("a draft", "owner", "/agentos/workshop/agent/DRAFT/", previewed),
    Scene("a draft that somebody else has saved", "owner", "/agentos/workshop/agent/DRAFT/", saved_by_another),
    Scene("a draft that is tried", "owner", "/agentos/workshop/agent/DRAFT/", tried),
    Scene("a draft that asks", "owner", "/agentos/workshop/agent/DRAFT/", tried_and_asked),
    Scene("a team that is made", "owner", "/agentos/workshop/agent/UNREADY/", with_a_member),
    Scene("a team with itself in it", "owner", "/agentos/workshop/agent/UNREADY/", with_itself),
    Scene("steps that are made", "owner", "/agentos/workshop/agent/UNREADY/", as_steps),
    Scene("publishing", "owner", "/agentos/workshop/agent/DRAFT/publish/"),
    Scene("publishing what is not ready", "owner", "/agentos/workshop/agent/UNREADY/publish/"),
    Scene("versions of an agent", "owner", "/agentos/workshop/agent/DRAFT/versions/"),
    Scene("a version of an agent", "owner", "/agentos/workshop/agent/DRAFT/versions/1/"),
    Scene("a draft with suggestions", "owner", "/agentos/workshop/agent/DRAFT/", suggested),
    Scene("tests of an agent", "owner", "/agentos/workshop/agent/DRAFT/tests/"),
    Scene("an agent without tests", "owner", "/agentos/workshop/agent/UNREADY/tests/"),
    Scene("a new test", "owner", "/agentos/workshop/agent/DRAFT/tests/new/"),
    Scene("a test without a message", "owner", "/agentos/workshop/agent/DRAFT/tests/new/", bad_test),
    Scene("a test", "owner", "/agentos/workshop/agent/DRAFT/tests/TESTED/", kept_answer),
    Scene("how a test went", "owner", "/agentos/workshop/agent/DRAFT/tests/result/RESULT/"),
    Scene("who may use an agent", "owner", "/agentos/workshop/agent/DRAFT/share/"),
    Scene("who may use a draft", "owner", "/agentos/workshop/agent/UNREADY/share/", confirm),
    Scene("the workshop of a member", "member", "/agentos/workshop/"),
    Scene("an agent of a member's own", "member", "/agentos/workshop/agent/OWN/"),
    Scene("who may use an agent of a member's own", "member", "/agentos/workshop/agent/OWN/share/", confirm),
    Scene("knowledge", "owner", "/agentos/knowledge/"),
    Scene("no knowledge", "newcomer", "/agentos/knowledge/"),
    Scene("a new knowledge base", "owner", "/agentos/knowledge/new/"),
    Scene("a knowledge base", "owner", "/agentos/knowledge/BASE/", everything_to_add),
    Scene("a knowledge base that one may only read", "member", "/agentos/knowledge/BASE/?ask=letters+to+the+archive"),
    Scene("a document", "owner", "/agentos/knowledge/documents/DOCUMENT/?page=1&from=0&to=40"),
    Scene("skills", "owner", "/agentos/workshop/skills/"),
    Scene("a new skill", "owner", "/agentos/workshop/skills/new/"),
    Scene("a new skill without a name", "owner", "/agentos/workshop/skills/new/", bad_form),
    Scene("a skill", "owner", "/agentos/workshop/skills/SKILL/", confirm),
    Scene("a file of a skill", "owner", "/agentos/workshop/skills/SKILL/file/?path=references/words.md"),
    Scene("versions of a skill", "owner", "/agentos/workshop/skills/SKILL/versions/"),
    Scene("a version of a skill", "owner", "/agentos/workshop/skills/SKILL/versions/1/"),
    Scene("a skill of an operator", "operator", "/agentos/workshop/skills/SKILL/"),
    Scene("the workshop of an operator", "operator", "/agentos/workshop/"),
    Scene("an agent of an operator", "operator", "/agentos/workshop/agent/DRAFT/"),
    Scene("who may use an agent, to an operator", "operator", "/agentos/workshop/agent/DRAFT/share/"),
    Scene("home of an operator", "operator", "/agentos/"),
    Scene("agents of an operator", "operator", "/agentos/agents/"),
    Scene("access requests of everybody", "operator", "/agentos/settings/access/"),
    Scene("the inbox", "operator", "/agentos/settings/inbox/"),
    Scene("an event", "operator", "/agentos/settings/inbox/EVENT/"),
    Scene("endpoints", "operator", "/agentos/settings/endpoints/"),
    Scene("a new endpoint", "operator", "/agentos/settings/endpoints/new/"),
    Scene("a new endpoint, wrongly filled in", "operator", "/agentos/settings/endpoints/new/", bad_form),
    Scene("an endpoint", "operator", "/agentos/settings/endpoints/ENDPOINT/", confirm),
)


def filled(path: str, names: Mapping[str, str]) -> str:
    for name, value in names.items():
        path = path.replace(name, value)
    return path


@dataclass(frozen=True, slots=True)
class Stage:
    """What the scenes are played on: the server, with who may sign in and what their paths are filled with."""

    server: Server
    logins: Mapping[str, str]
    names: Mapping[str, str]

    def let_in(self, context: BrowserContext, who: str) -> None:
        context.clear_cookies()
        if who != ANONYMOUS:
            context.add_cookies([{"name": "session", "value": self.logins[who], "url": self.server.url}])

    def play(self, page: Page, scene: Scene) -> None:
        if page.url.startswith(self.server.url):
            page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")  # a draft, a sidebar that was folded
        page.goto(filled(scene.path, self.names))
        if page.locator("#live").count():
            wait_for_stream(page)
        if scene.act:
            scene.act(page)


def scenes(who: str, **fits: Any) -> Iterator[Scene]:
    return (scene for scene in SCENES if scene.who == who and all(getattr(scene, name) == value for name, value in fits.items()))
