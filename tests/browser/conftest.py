"""A server for each worker, a Chromium for each test, and what no page may ever do."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Error, Page, Request, expect, sync_playwright

from tests.browser.scenes import Stage
from tests.browser.server import Person, Server

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 20_000  # ms: a busy machine is not a defect

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = Server(tmp_path_factory.mktemp("browser"))
    started.start()
    yield started
    started.stop()


@pytest.fixture(scope="session")
def stage(server: Server) -> Stage:
    made = server.run_module("tests.browser.everything")
    return Stage(server, made["logins"], made["names"])


@pytest.fixture(scope="session")
def chromium_path() -> str:
    for name in NAMES:
        if path := shutil.which(name):
            return path
    pytest.fail(f"The browser tests need Chromium, and none of {', '.join(NAMES)} is on PATH. `make chromium` installs it.")


@pytest.fixture
def browser(chromium_path: str) -> Iterator[Browser]:
    """One for each test: Playwright keeps an event loop for as long as it runs, which async tests cannot share."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path, args=ARGS)
        yield chromium
        chromium.close()


@dataclass
class Seen:
    """What the pages of a test did that a person does not see."""

    host: str
    hosts: set[str] = field(default_factory=set)
    paths: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    raised: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> None:
        context.on("request", self.note_request)
        context.on("console", self.note_console)
        context.on("dialog", self.note_dialog)
        context.on("weberror", lambda error: self.raised.append(str(error.error)))

    def note_request(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme in {"http", "https"}:
            self.hosts.add(url.netloc)
            self.paths.append(url.path)

    def note_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.console.append(f"{message.text} {message.location.get('url', '')}")

    def note_dialog(self, dialog: Dialog) -> None:
        if dialog.type == "beforeunload":  # what is typed would be lost: a test that goes on means to
            return dialog.accept()
        self.dialogs.append(dialog.message)
        return dialog.dismiss()

    def check(self) -> None:
        assert self.hosts <= {self.host}
        assert not self.raised
        assert not self.dialogs
        assert not [line for line in self.console if "Content Security Policy" in line]


@pytest.fixture
def seen(server: Server) -> Seen:
    return Seen(urlsplit(server.url).netloc)


Visit = Callable[..., BrowserContext]


@pytest.fixture
def visit(browser: Browser, server: Server, seen: Seen) -> Iterator[Visit]:
    """``visit(person)``: a browser profile in which this person is signed in; without one, in which nobody is."""

    def enter(person: Person | None = None, **options: Any) -> BrowserContext:
        context = browser.new_context(base_url=server.url, **{"viewport": {"width": 1280, "height": 800}, **options})
        context.set_default_timeout(PATIENCE)
        if person:
            context.add_cookies([{"name": "session", "value": person.login, "url": server.url}])
        seen.watch(context)
        return context

    yield enter
    for context in browser.contexts:
        context.close()
    seen.check()


@pytest.fixture
def person(server: Server) -> Person:
    return server.take()


@pytest.fixture
def page(visit: Visit, person: Person) -> Page:
    """A tab of somebody who is signed in and has no chats yet."""
    return visit(person).new_page()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Keep a picture of what a failed test saw, beside its server's log."""
    report = yield
    things = getattr(item, "funcargs", {})
    if report.when == "call" and report.failed and {"browser", "server"} <= things.keys():
        browser, server = things["browser"], things["server"]
        for number, page in enumerate(page for context in browser.contexts for page in context.pages):
            path = server.data / f"{item.name}-{number}.png"
            try:
                page.screenshot(path=path, timeout=3000)
            except Error:
                continue
            report.sections.append(("picture", f"{path} {page.url}"))
    return report
