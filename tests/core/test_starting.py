"""What stands in the way of a start is said in a sentence, with a code that is not 0 and without a traceback."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
import pytest

from tests import postgres
from tests.server import ROOT, free_port

SECONDS = 60

pytestmark = [pytest.mark.server, pytest.mark.timeout(400)]

Start = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def run(data: Path) -> Start:
    def run(*words: str, **more: str) -> "subprocess.CompletedProcess[str]":
        env = {"PATH": os.environ["PATH"], "AGENTOS_LOCAL": "1", "AGENTOS_LOCAL_MODEL": "0", "AGENTOS_DATA_DIR": str(data), **more}
        command = [sys.executable, *(words or ("manage.py", "agentos_serve"))]
        env.setdefault("PORT", str(free_port()))
        return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=SECONDS, check=False)

    return run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that is up to date."""
    folder = tmp_path_factory.mktemp("made")
    env = {"PATH": os.environ["PATH"], "AGENTOS_LOCAL": "1", "AGENTOS_DATA_DIR": str(folder)}
    subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=ROOT, env=env, timeout=SECONDS, check=True)
    return folder / "agentos.sqlite3"


@pytest.fixture
def database(data: Path, made: Path) -> Path:
    data.mkdir(mode=0o700)
    copy = data / made.name
    copy.write_bytes(made.read_bytes())
    return copy


def refused(done: "subprocess.CompletedProcess[str]") -> str:
    """The sentence that a start ended with."""
    assert done.returncode not in {0, None}, done.stdout
    assert "Traceback" not in done.stderr + done.stdout
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    return lines[0]


class TestADamagedFile:
    def test_that_is_no_database(self, run: Start, database: Path) -> None:
        database.write_bytes(b"not a database, " * 1000)
        assert f"{database} is damaged: it is no SQLite database. Put a backup in its place" in refused(run())

    @pytest.mark.parametrize("migrate", [(), ("--migrate",)])
    def test_with_pages_overwritten(self, run: Start, database: Path, migrate: tuple[str, ...]) -> None:
        whole = database.read_bytes()
        database.write_bytes(whole[:4096] + os.urandom(len(whole) - 4096))
        assert f"{database} is damaged" in refused(run("manage.py", "agentos_serve", *migrate))

    def test_that_is_cut_short(self, run: Start, database: Path) -> None:
        database.write_bytes(database.read_bytes()[: 4096 * 20])
        assert f"{database} is damaged" in refused(run())

    def test_under_any_other_command(self, run: Start, database: Path) -> None:
        database.write_bytes(b"not a database, " * 1000)
        assert f"{database} is damaged" in refused(run("manage.py", "migrate"))


class TestAnotherVersion:
    def test_an_older_database_is_refused_with_what_to_run(self, run: Start, database: Path) -> None:
        with closing(sqlite3.connect(database)) as opened:
            opened.execute("DELETE FROM django_migrations WHERE app = 'chat' AND name > '0003'")
            opened.commit()
        said = refused(run())
        assert "The database is not up to date: it lacks" in said
        assert "run: python manage.py migrate" in said

    def test_an_empty_one_too(self, run: Start) -> None:
        assert "The database is empty. To make its tables run: python manage.py migrate" in refused(run())

    @pytest.mark.parametrize("app", ["chat", "a_room_of_later"])
    @pytest.mark.parametrize("migrate", [(), ("--migrate",)])
    def test_a_newer_one_is_refused(self, run: Start, database: Path, app: str, migrate: tuple[str, ...]) -> None:
        with closing(sqlite3.connect(database)) as opened:
            opened.execute("INSERT INTO django_migrations (app, name, applied) VALUES (?, '9999_later', '2031-01-01')", (app,))
            opened.commit()
        said = refused(run("manage.py", "agentos_serve", *migrate))
        assert f"made by a newer version of AgentOS than this one: it has the migration {app}.9999_later" in said

    def test_a_command_that_misses_tables_says_so(self, run: Start) -> None:
        assert "run: python manage.py migrate" in refused(run("manage.py", "agentos_demo"))


class TestUnderAnotherServer:
    """One that speaks ASGI and is not our command."""

    def uvicorn(self, run: Start, **more: str) -> "subprocess.CompletedProcess[str]":
        return run("-m", "uvicorn", "site_config.asgi:application", "--port", str(free_port()), "--log-level", "error", **more)

    def test_an_empty_database_is_said(self, run: Start) -> None:
        done = self.uvicorn(run)
        assert done.returncode != 0
        assert "The database is empty." in done.stderr
        assert "Traceback" not in done.stderr

    def test_wrong_settings_are_said(self, run: Start) -> None:
        done = self.uvicorn(run, AGENTOS_LOCAL="0")
        assert done.returncode != 0
        assert "SECRET_KEY must be at least 50 random characters" in done.stderr
        assert "Traceback" not in done.stderr


class TestSettings:
    def test_a_production_without_a_secret_is_one_sentence(self, run: Start) -> None:
        assert "This is a production" in refused(run(AGENTOS_LOCAL="0"))

    def test_a_file_that_is_not_there(self, run: Start, tmp_path: Path) -> None:
        assert f"{tmp_path / 'none'} cannot be used: No such file" in refused(run(DATABASE_URL_FILE=str(tmp_path / "none")))

    def test_a_level_and_a_zone_that_there_are_not(self, run: Start) -> None:
        assert "LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR, not 'loud'." in refused(run(LOG_LEVEL="loud"))
        assert "TIME_ZONE must be the name of a time zone" in refused(run(TIME_ZONE="Mars/Base"))

    @pytest.mark.parametrize(
        ("name", "value", "said"),
        [
            ("AGENTOS_GATEWAY_ORIGINS", "foo", "must be origins such as https://chat.example.com"),
            ("AGENTOS_OPENAI_LIKE_URL", "foo", "must be an address that begins with http:// or https://"),
            ("AGENTOS_ALLOW_PRIVATE_HOSTS", "10.0.0.0/99", "must be host names, addresses and networks such as 10.1.0.0/16"),
            ("AGENTOS_INTERFACES", "slack", "must name some of a2a, agui, mcp, not 'slack'."),
            ("AGENTOS_RUN_TIMEOUT", "0", "must be 1 or more, not 0."),
            ("ALLOWED_HOSTS", "http://x.y", "must be host names such as chat.example.com"),
            ("CSRF_TRUSTED_ORIGINS", "x.y", "must be origins such as https://chat.example.com"),
            ("EMAIL_HOST", "smtp://x.y", "must be a host such as mail.example.com"),
            ("DEFAULT_FROM_EMAIL", "nobody", "must be an address such as AgentOS"),
        ],
    )
    def test_what_would_have_no_effect_or_a_wrong_one(self, run: Start, name: str, value: str, said: str) -> None:
        assert f"{name} {said}" in refused(run(**{name: value}))

    @pytest.mark.parametrize("url", ["mysql://host/name", "nonsense", "postgres://host:port/name"])
    def test_an_address_of_no_database_of_ours(self, run: Start, url: str) -> None:
        assert "DATABASE_URL must be an address that begins with postgres://" in refused(run(DATABASE_URL=url))

    def test_a_data_folder_that_is_a_file(self, run: Start, data: Path) -> None:
        data.write_text("x")
        assert f"The data folder {data} cannot be used: File exists." in refused(run())

    def test_a_data_folder_below_a_file(self, run: Start, data: Path) -> None:
        data.write_text("x")
        assert "cannot be used: Not a directory." in refused(run(AGENTOS_DATA_DIR=str(data / "below")))

    def test_a_wrong_host_is_said_before_there_is_a_database(self, run: Start, data: Path) -> None:
        assert "HOST=0.0.0.0" in refused(run(HOST="0.0.0.0"))  # noqa: S104
        assert not (data / "agentos.sqlite3").exists()


def can_mount() -> bool:
    return subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not can_mount(), reason="It needs a file system of its own (unshare).")
class TestADisk:
    def on(self, data: Path, script: str) -> "subprocess.CompletedProcess[str]":
        """Start the server where ``script`` has prepared a file system at the data folder."""
        data.mkdir(exist_ok=True)
        env = {"PATH": os.environ["PATH"], "AGENTOS_LOCAL": "1", "AGENTOS_DATA_DIR": str(data), "PORT": str(free_port()), "D": str(data)}
        command = ["unshare", "-rm", "sh", "-ec", f"{script}\nexec {sys.executable} manage.py agentos_serve"]
        return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=SECONDS, check=False)

    def test_that_is_full(self, data: Path) -> None:
        said = refused(self.on(data, 'mount -t tmpfs -o size=64k,mode=700 none "$D"; dd if=/dev/zero of="$D/x" 2>/dev/null || true'))
        assert "No space left on device" in said or "The disk is full" in said

    def test_that_is_full_with_a_database_on_it(self, data: Path, made: Path) -> None:
        fill = f'cp {made} "$D/agentos.sqlite3"; echo {"s" * 86} > "$D/secret-key"; dd if=/dev/zero of="$D/x" 2>/dev/null || true'
        said = refused(self.on(data, f'mount -t tmpfs -o size=4m,mode=700 none "$D"; {fill}'))
        assert "The disk is full" in said or "No space left" in said

    def test_that_is_read_only(self, data: Path, made: Path) -> None:
        put = f'cp {made} "$D/agentos.sqlite3"; echo {"s" * 86} > "$D/secret-key"'
        said = refused(self.on(data, f'mount -t tmpfs -o mode=700 none "$D"; {put}; mount -o remount,ro "$D"'))
        assert "Read-only file system" in said


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    with postgres.server() as url:
        yield url


class TestPostgreSQL:
    def test_that_is_not_there(self, run: Start) -> None:
        port = free_port()
        said = refused(run(DATABASE_URL=f"postgres://me:a-secret@127.0.0.1:{port}/name"))
        assert f"PostgreSQL (127.0.0.1:{port}, database name) cannot be used:" in said
        assert "Is it running, and are host and port in DATABASE_URL right?" in said
        assert "a-secret" not in said

    def test_whose_host_nobody_knows(self, run: Start) -> None:
        assert "Is the host in DATABASE_URL right?" in refused(run(DATABASE_URL="postgres://me@nowhere.invalid/name"))

    def test_without_that_database(self, run: Start, postgresql: str) -> None:
        url = urlunsplit(urlsplit(postgresql)._replace(path="/not_there"))
        said = refused(run(DATABASE_URL=url))
        assert 'database "not_there" does not exist' in said
        assert "Create it, or correct DATABASE_URL." in said

    def test_without_that_user(self, run: Start, postgresql: str) -> None:
        folder = quote(str(urlsplit(postgresql).netloc.partition("@")[2]), safe="%")
        assert 'role "nobody" does not exist' in refused(run(DATABASE_URL=f"postgres://nobody@{folder}/postgres"))

    def test_that_several_servers_migrate_at_the_same_moment(self, run: Start, postgresql: str) -> None:
        """Each by itself, as ``agentos serve`` does, on a database that is empty."""
        with psycopg.connect(postgresql, autocommit=True) as connection:
            connection.execute("CREATE DATABASE together")
        url = urlunsplit(urlsplit(postgresql)._replace(path="/together"))
        script = "import django; django.setup(); from agentos.core.starting.ready import make_ready; make_ready(migrate=True)"
        with ThreadPoolExecutor(3) as servers:
            more = {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "site_config.settings"}
            ended = list(servers.map(lambda _: run("-c", script, **more), range(3)))
        assert [(done.returncode, done.stderr) for done in ended] == [(0, "")] * 3

    def test_whose_tables_are_not_made(self, run: Start, postgresql: str) -> None:
        assert "The database is empty. To make its tables run: python manage.py migrate" in refused(run(DATABASE_URL=postgresql))

    def test_that_is_not_there_for_any_other_command(self, run: Start) -> None:
        said = run("manage.py", "migrate", DATABASE_URL=f"postgres://me@127.0.0.1:{free_port()}/name")
        assert said.returncode == 1
        assert said.stderr.splitlines()[-1].startswith("agentos: PostgreSQL (127.0.0.1")
        assert "Traceback" not in said.stderr
