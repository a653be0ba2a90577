"""What is wrong around the server: a full disk, a database that is away, another host. Told once a minute, and to whoever asks."""

import errno
import json
import logging
import sqlite3
from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.test import Client

from agentos.core import faults, repeated
from agentos.core.faults import CLIENT_GONE, CORRUPT, DATABASE, DISK_FULL, FILES, WRONG_HOST, Console, fault_of
from agentos.webhooks.inbound.models import WebhookEvent
from tests.site_config.test_asgi import Caller

EVENT = {"event": "e", "data": {"text": "x" * 60_000}}


@pytest.fixture(autouse=True)
def nothing_said() -> None:
    repeated.forget()


def wrapped(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def of_sqlite(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("it")
    error.sqlite_errorcode = code
    return error


class Full(Exception):
    sqlstate = "53100"


class TestFaultOf:
    @pytest.mark.parametrize(
        ("error", "fault"),
        [
            (OSError(errno.ENOSPC, "no"), DISK_FULL),
            (OSError(errno.EDQUOT, "no"), DISK_FULL),
            (wrapped(OperationalError(), of_sqlite(sqlite3.SQLITE_FULL)), DISK_FULL),
            (wrapped(OperationalError(), Full()), DISK_FULL),
            (wrapped(RuntimeError(), wrapped(OperationalError(), of_sqlite(sqlite3.SQLITE_FULL))), DISK_FULL),
            (OSError(errno.EMFILE, "no"), FILES),
            (wrapped(OperationalError(), of_sqlite(sqlite3.SQLITE_BUSY)), DATABASE),
            (wrapped(OperationalError(), of_sqlite(sqlite3.SQLITE_READONLY_DBMOVED)), DATABASE),
            (wrapped(DatabaseError(), of_sqlite(sqlite3.SQLITE_CORRUPT)), CORRUPT),
            (wrapped(DatabaseError(), of_sqlite(sqlite3.SQLITE_NOTADB)), CORRUPT),
            (OperationalError("the connection is closed"), DATABASE),
            (InterfaceError("the connection is closed"), DATABASE),
            (DisallowedHost("evil"), WRONG_HOST),
            (ConnectionResetError(), CLIENT_GONE),
        ],
        ids=repr,
    )
    def test_knows_what_is_wrong_outside(self, error: Exception, fault: Any) -> None:
        assert fault_of(error) is fault

    @pytest.mark.parametrize(
        "error",
        [RuntimeError(), wrapped(OperationalError("no such column"), of_sqlite(sqlite3.SQLITE_ERROR)), OSError(errno.ENOENT, "no"), None],
        ids=repr,
    )
    def test_leaves_defects_as_they_are(self, error: Exception) -> None:
        assert fault_of(error) is None

    @pytest.mark.parametrize("code", [sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_CANTOPEN])
    def test_looks_whether_there_is_room(self, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
        error = wrapped(OperationalError(), of_sqlite(code))
        assert fault_of(error) is DATABASE
        monkeypatch.setattr(faults, "NO_ROOM", 2**70)
        assert fault_of(error) is DISK_FULL


def logged(*errors: Exception | None, message: str = "It failed.") -> list[str]:
    """What the console shows of these errors."""
    out = StringIO()
    console = Console(out)
    console.setFormatter(logging.Formatter("%(message)s"))
    for error in errors:
        try:
            raise error or RuntimeError
        except Exception as raised:  # noqa: BLE001 - one after the other
            console.handle(
                logging.getLogger().makeRecord("x", logging.ERROR, "f", 1, message, (), (type(raised), raised, raised.__traceback__))
            )
    return out.getvalue().splitlines()


class TestTheConsole:
    def test_says_a_fault_once_a_minute_in_one_line(self, monkeypatch: pytest.MonkeyPatch) -> None:
        full = OSError(errno.ENOSPC, "No space left on device")
        (line,) = logged(*[full] * 50, message="The journal could not be written.")
        assert line.startswith("The disk is full: nothing can be stored until there is room again. [OSError: [Errno 28] No space")
        assert line.endswith("The journal could not be written.")
        monkeypatch.setattr(repeated, "EVERY", 0)
        repeated._Said.until.clear()
        assert logged(full)[0].endswith("(49 times more since it was last said.)")

    def test_says_words_once_that_are_message_and_error_alike(self) -> None:
        said = "Invalid HTTP_HOST header: example.org"
        (line,) = logged(DisallowedHost(said), message=said)
        assert line == f"{WRONG_HOST.line} [DisallowedHost: {said}]"

    def test_says_another_one_beside_it(self) -> None:
        assert len(logged(OSError(errno.ENOSPC, "x"), OSError(errno.EMFILE, "x"), DisallowedHost("x"), OSError(errno.ENOSPC, "x"))) == 3

    def test_shows_all_there_is_of_a_defect(self) -> None:
        lines = logged(None, None)
        assert lines.count("Traceback (most recent call last):") == 2

    def test_shows_nothing_that_can_write_lines(self) -> None:
        (line,) = logged(DisallowedHost("Invalid HTTP_HOST header: 'a\n2026 ERROR\x1b[31m\u202e" + "x" * 1000))
        assert "ALLOWED_HOSTS" in line
        assert "a\\n2026 ERROR\\x1b[31m\\u202exx" in line
        assert len(line) < 800


@pytest.fixture
def full(transactional_db: None) -> Any:
    """SQLite says that the disk is full, since this connection's file may not grow."""
    if connection.vendor != "sqlite":
        pytest.skip("SQLite can be told how much room there is")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")  # what other tests have deleted would be room
        cursor.execute("PRAGMA page_count")
        pages = cursor.fetchone()[0]
        cursor.execute(f"PRAGMA max_page_count = {pages}")
    yield
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA max_page_count = 1073741823")


@pytest.mark.usefixtures("full")
class TestAFullDisk:
    @pytest.fixture(autouse=True)
    def answers(self, anonymous: Client) -> None:
        anonymous.raise_request_exception = False

    def test_is_said_to_a_program(self, anonymous: Client) -> None:
        answer = anonymous.post("/agentos/webhook/", json.dumps(EVENT), content_type="application/json")
        assert (answer.status_code, answer["X-Error-Code"]) == (507, "disk_full")
        assert "disk is full" in answer.json()["error"]
        assert not WebhookEvent.objects.exists()

    def test_is_said_to_a_person(self, anonymous: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        def write(*_: Any, **__: Any) -> None:
            raise wrapped(OperationalError("database or disk is full"), of_sqlite(sqlite3.SQLITE_FULL))

        monkeypatch.setattr("agentos.access.views.limits.check", write)
        answer = anonymous.post("/sign-in/", {"email": "a@b.c", "password": "x"})
        assert answer.status_code == 507
        assert "disk is full" in answer.content.decode()
        answer = anonymous.post("/sign-in/", {"email": "a@b.c", "password": "x"}, HTTP_HX_REQUEST="true")
        assert answer.status_code == 507
        assert "disk is full" in answer.content.decode()


@pytest.mark.usefixtures("transactional_db")
class TestAWrongHost:
    @pytest.mark.parametrize(
        "path", ["/", "/sign-in/", "/agentos/live/", "/api/v1/agentos/agents/", "/api/v1/agentos/fastapi/agents", "/v1/models"]
    )
    async def test_is_refused_and_leaves_its_line_to_the_minute(self, path: str, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        status, _, _ = await Caller(leaves=True).ask("GET", path, {"Host": "evil.example"})
        assert status == 400
        assert not [record for record in caplog.records if record.name == "agentos.requests"]
        errors = [record.exc_info[1] for record in caplog.records if record.exc_info]
        assert [fault_of(error) for error in errors] == [WRONG_HOST]
        assert "evil.example" in str(errors[0])


class TestABodyThatIsTooLarge:
    def test_is_a_line_too(self) -> None:
        assert len(logged(*[RequestDataTooBig("It is too large.")] * 3)) == 1
