"""The package, as somebody installs it: a wheel in an environment of its own, started in an empty folder."""

import os
import re
import signal
import site
import subprocess
import sys
import time
import venv
import zipfile
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

import pytest

from tests.server import answers, free_port

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 180  # the first start writes what Python makes of a hundred packages, on a machine with other work
DEMO = {"email": "member@example.com", "password": "demo"}

pytestmark = [pytest.mark.server, pytest.mark.timeout(300), pytest.mark.xdist_group("package")]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "-q", str(ROOT), "--no-deps", "--no-build-isolation", "-w", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def agentos(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command, installed into a new environment that borrows the dependencies of this one."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "borrowed.pth").write_text("\n".join(path for path in site.getsitepackages() if path.endswith("site-packages")))
    command = [sys.executable, "-m", "pip", "--python", str(folder / "bin/python"), "install", "-q", "--no-deps", str(wheel)]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "bin" / "agentos"


def environment(**more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "AGENTOS_LOCAL_MODEL": "0", **more}


def said(agentos: Path, folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([str(agentos), *words], cwd=folder, env=environment(), capture_output=True, text=True, check=False)


@pytest.fixture
def served(agentos: Path, tmp_path: Path) -> Iterator[str]:
    port = free_port()
    with (tmp_path / "log").open("wb") as log:
        command = [str(agentos), "serve", "--demo"]
        more = {"PORT": str(port), "AGENTOS_SCRIPTED_MODELS": "1"}
        server = subprocess.Popen(command, cwd=tmp_path, env=environment(**more), stdout=log, stderr=log)
    over = time.monotonic() + START_SECONDS
    try:
        while not answers(port):
            assert server.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < over, (tmp_path / "log").read_text()
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found
    return found[1]


def signed_in(origin: str) -> OpenerDirector:
    browser = build_opener(HTTPCookieProcessor(CookieJar()))
    page = browser.open(f"{origin}/sign-in/").read().decode()
    form = DEMO | {"csrfmiddlewaretoken": field(page, "csrfmiddlewaretoken")}
    assert "Marco Member" in browser.open(f"{origin}/sign-in/", urlencode(form).encode()).read().decode()
    return browser


def test_the_wheel_holds_pages_fragments_and_static_files_and_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    here = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "partials").rglob("*.html")]
    expected = {f"agentos/core/templates/{path.relative_to(ROOT / path.relative_to(ROOT).parts[0])}" for path in here}
    expected |= {f"agentos/core/{path.relative_to(ROOT)}" for path in (ROOT / "static").rglob("*") if path.is_file()}
    assert expected <= set(names)
    assert not [name for name in names if name.startswith(("tests/", "templates/", "static/"))]


def test_an_empty_folder_becomes_a_site_with_its_styles_where_one_signs_in_and_asks(served: str, tmp_path: Path) -> None:
    browser = signed_in(served)
    home = browser.open(f"{served}/agentos/").read().decode()
    style = re.search(r'href="(/static/css/[^"]+\.css)"', home)
    assert style
    assert browser.open(served + style[1]).headers["Content-Type"].startswith("text/css")
    page = browser.open(f"{served}/agentos/chat/tour/").read().decode()
    form = {"csrfmiddlewaretoken": field(page, "csrfmiddlewaretoken"), "message": "Hello from a wheel"}
    assert "Hello from a wheel" in browser.open(f"{served}/agentos/chat/tour/", urlencode(form).encode()).read().decode()
    assert (tmp_path / ".data" / "agentos.sqlite3").exists()


def test_the_admin_of_a_wheel_is_ours(served: str) -> None:
    page = build_opener(HTTPCookieProcessor(CookieJar())).open(f"{served}/admin/login/").read().decode()
    assert "AgentOS" in page


def test_the_command_says_what_it_can(agentos: Path, tmp_path: Path) -> None:
    assert "createoperator" in said(agentos, tmp_path, "--help").stdout
    wrong = said(agentos, tmp_path, "sreve")
    assert (wrong.returncode, wrong.stderr.splitlines()[0]) == (2, "agentos: there is no command 'sreve'.")


def test_a_wrong_setting_is_a_sentence(agentos: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [str(agentos), "serve"],
        cwd=tmp_path,
        env=environment(ALLOWED_HOSTS="chat.example.com"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "agentos: This is a production (AGENTOS_LOCAL is not set): SECRET_KEY must be at least 50 random characters."
    )


def test_a_site_without_accounts_says_how_to_make_the_first(agentos: Path, tmp_path: Path) -> None:
    port = free_port()
    command = [str(agentos), "serve"]
    server = subprocess.Popen(command, cwd=tmp_path, env=environment(PORT=str(port)), stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        lines = iter(server.stdout.readline, "")
        assert any("/setup/?token=" in line for line in lines)
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=30)
