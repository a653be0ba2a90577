"""AgentOS in a project of somebody else, as a real server: its users sign in by its page, and chat below its path."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.server import ROOT, free_port

START_SECONDS = 90
ANSWER_SECONDS = 30
HERE = "/assistants"  # where the project has put us

pytestmark = [pytest.mark.server, pytest.mark.timeout(400), pytest.mark.xdist_group("foreign")]


class Project:
    def __init__(self, data: Path) -> None:
        self.data, self.port = data, free_port()
        self.env = {
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "tests.foreign.settings",
            "FOREIGN_DATA": str(data),
            "FOREIGN_PORT": str(self.port),
        }

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", *words]
        return subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=START_SECONDS, check=False)

    def manage(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return self.run("django", *words)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.data / "log").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = Project(tmp_path_factory.mktemp("foreign"))
    for done in (made.manage("migrate", "-v", "0"), made.run("tests.foreign.seed")):
        assert done.returncode == 0, done.stderr
    return made


@pytest.fixture(scope="module")
def served(project: Project) -> Iterator[Project]:
    with (project.data / "log").open("wb") as log:
        command = [sys.executable, "-m", "django", "agentos_serve"]
        server = subprocess.Popen(command, cwd=ROOT, env=project.env, stdout=log, stderr=log)
    over = time.monotonic() + START_SECONDS
    try:
        while "AgentOS is ready" not in project.log:
            assert server.poll() is None, project.log
            assert time.monotonic() < over, project.log
            time.sleep(0.1)
        yield project
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


class Visitor(httpx.Client):
    """A browser, with its cookies."""

    def __init__(self, project: Project) -> None:
        super().__init__(base_url=project.origin, follow_redirects=True, timeout=ANSWER_SECONDS)

    def page(self, path: str) -> str:
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def submit(self, path: str, **form: str) -> httpx.Response:
        """Fill in the form of a page and send it."""
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.page(path))
        assert token
        return self.post(path, data={**form, "csrfmiddlewaretoken": token[1]})

    def enter(self, login: str) -> "Visitor":
        answer = self.submit(f"/enter/?next={HERE}/", username=login, password=f"a-password-of-{login}")
        assert answer.url.path == f"{HERE}/"
        return self


@pytest.fixture
def somebody(served: Project) -> Iterator[Visitor]:
    with Visitor(served) as visitor:
        yield visitor


@pytest.fixture
def ada(somebody: Visitor) -> Visitor:
    """Is in the group of the agent."""
    return somebody.enter("ada")


@pytest.fixture
def bob(somebody: Visitor) -> Visitor:
    return somebody.enter("bob")


class TestTheProject:
    def test_passes_every_check(self, project: Project) -> None:
        done = project.manage("check", "--fail-level", "WARNING")
        assert done.returncode == 0, done.stderr

    def test_has_every_migration_that_its_models_need(self, project: Project) -> None:
        done = project.manage("makemigrations", "--check", "--dry-run")
        assert (done.returncode, done.stdout.strip()) == (0, "No changes detected"), done.stdout

    def test_keeps_its_own_pages_as_they_are(self, somebody: Visitor) -> None:
        answer = somebody.get("/")
        assert (answer.status_code, answer.text) == (200, "A shop, not a chat.")
        assert "Content-Security-Policy" not in answer.headers

    def test_keeps_its_own_errors_as_they_are(self, somebody: Visitor) -> None:
        answer = somebody.get("/api/nothing/")
        assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (404, "text/html")
        assert "AgentOS" not in answer.text


class TestWhoIsNotSignedIn:
    def test_is_led_to_the_sign_in_page_of_the_project_and_back(self, somebody: Visitor) -> None:
        answer = somebody.get(f"{HERE}/agents/")
        assert (answer.url.path, answer.url.params["next"]) == ("/enter/", f"{HERE}/agents/")

    def test_is_refused_by_the_api(self, somebody: Visitor) -> None:
        answer = somebody.get(f"{HERE}/api/v1/agents/")
        assert (answer.status_code, answer.json()["success"]) == (401, False)
        assert "Content-Security-Policy" in answer.headers


class TestWhoMayUseTheAgent:
    def test_sees_it_on_pages_that_name_no_path_of_another_project(self, ada: Visitor) -> None:
        for path in ("/", "/agents/", "/chat/guide/", "/sessions/", "/settings/tokens/", "/settings/usage/", "/settings/webhooks/"):
            page = ada.page(HERE + path)
            assert "The frame of a shop." not in page
            links = set(re.findall(r'(?:href|src|action|hx-[a-z:]+)="(/[^"]*)"', page))
            assert links
            strange = [link for link in links if not link.startswith((f"{HERE}/", "/assets/", "/leave/", "/staff/"))]
            assert strange == [], path
        assert "Guide" in ada.page(f"{HERE}/agents/")
        assert 'action="/leave/"' in ada.page(f"{HERE}/")

    def test_is_served_styles_and_scripts_from_the_projects_own_place(self, ada: Visitor) -> None:
        files = re.findall(r'(?:href|src)="(/assets/[^"]+\.(?:css|js))"', ada.page(f"{HERE}/"))
        assert files
        assert {ada.get(file).status_code for file in files} == {200}

    def test_asks_it_and_sees_the_answer(self, ada: Visitor) -> None:
        asked = ada.submit(f"{HERE}/chat/guide/", message="Where are the shoes?")
        assert re.fullmatch(rf"{HERE}/session/[^/]+/", asked.url.path)
        over = time.monotonic() + ANSWER_SECONDS
        while "by a script" not in (shown := ada.page(asked.url.path)) and time.monotonic() < over:
            time.sleep(0.2)
        assert "by a script" in shown
        assert "Where are the shoes?" in shown
        (session,) = ada.get(f"{HERE}/api/v1/sessions/").json()["sessions"]
        assert session["agent_id"] == "guide"

    def test_hears_the_live_stream_for_as_long_as_they_are_signed_in(self, ada: Visitor) -> None:
        with ada.stream("GET", f"{HERE}/live/?lists=0", headers={"Accept": "text/event-stream"}) as stream:
            assert (stream.status_code, stream.headers["Content-Type"].partition(";")[0]) == (200, "text/event-stream")
            pieces = stream.iter_text()
            assert next(pieces)
            with httpx.Client(cookies=ada.cookies, base_url=ada.base_url) as other_tab:
                token = ada.cookies["csrftoken"]
                assert other_tab.post("/leave/", headers={"x-csrftoken": token}).status_code == 302
            assert "event: closed" in "".join(pieces)


class TestWhoMayNot:
    def test_finds_nothing(self, bob: Visitor) -> None:
        assert bob.get(f"{HERE}/chat/guide/").status_code == 404
        assert bob.get(f"{HERE}/api/v1/agents/").json() == {"agents": []}
        assert "Guide" not in bob.page(f"{HERE}/agents/")
