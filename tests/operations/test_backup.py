"""`agentos backup` and `agentos restore`, as a person calls them."""

import json
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from agentos.operations.backup import archive
from tests.operations.backups import databases, done, manage, refused
from tests.operations.drill import drill
from tests.server import ROOT

pytestmark = [pytest.mark.server, pytest.mark.timeout(600)]
SEED = """
from agentos.files.keeping import keep_bytes
from tests.factories import RunFactory
runs = [RunFactory(input=f'message {n}') for n in range(5)]
keep_bytes(owner=runs[0].by, data=b'what we found', name='a.txt')
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database in which something was said."""
    data = tmp_path_factory.mktemp("installed") / "data"
    done(manage(data, "migrate", "-v", "0"))
    done(manage(data, "shell", "--no-imports", "-c", SEED))
    return data


@pytest.fixture(scope="module")
def backup(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("backups") / "made.backup"
    said = done(manage(installed, "agentos_backup", str(path)))
    assert "holds the SECRET_KEY" in said
    return path


@pytest.fixture
def data(installed: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(installed, tmp_path / "data"))


def messages(data: Path) -> list[str]:
    with closing(sqlite3.connect(data / "agentos.sqlite3")) as database:
        return [text for (text,) in database.execute("SELECT input FROM chat_run ORDER BY id")]


def given(data: Path) -> list[bytes]:
    """What people gave."""
    return [file.read_bytes() for file in (data / "files").rglob("*") if file.is_file()]


def members(path: Path) -> set[str]:
    with tarfile.open(path) as tar:
        return set(tar.getnames())


def changed(path: Path, to: Path, tmp_path: Path, **other: object) -> Path:
    """The same backup with another manifest."""
    folder = tmp_path / "unpacked"
    folder.mkdir()
    manifest = archive.unpack(path, folder)
    archive.write(to, replace(manifest, **other), {name: folder / name for name in manifest.files}, force=True)  # type: ignore[arg-type]
    return to


class TestBackup:
    def test_is_one_file_with_all_and_its_manifest(self, backup: Path, installed: Path) -> None:
        assert members(backup) == {"manifest.json", "agentos.sqlite3", "files.tar", "secret-key"}
        with tarfile.open(backup) as tar:
            found = tar.extractfile("manifest.json")
            assert found
            manifest = json.load(found)
        assert manifest["counts"]["chat_run"] == 5
        assert ["chat", "0001_first"] in manifest["migrations"]
        assert (manifest["database"], manifest["secret"]) == ("sqlite", "included")
        assert (installed / "secret-key").read_text().strip() not in json.dumps(manifest)
        assert backup.stat().st_mode & 0o777 == 0o600

    def test_leaves_the_key_out_and_says_so(self, data: Path, tmp_path: Path) -> None:
        said = done(manage(data, "agentos_backup", str(tmp_path / "x"), "--without-secret"))
        assert "NOT in the backup" in said
        assert "secret-key" not in members(tmp_path / "x")

    def test_says_where_a_key_of_the_environment_is(self, data: Path, tmp_path: Path) -> None:
        said = done(manage(data, "agentos_backup", str(tmp_path / "x"), SECRET_KEY="k" * 60))
        assert "comes from the environment and is NOT in the backup" in said
        assert "secret-key" not in members(tmp_path / "x")

    def test_that_cannot_be_made_is_a_sentence_and_no_file(self, data: Path, backup: Path, tmp_path: Path) -> None:
        before = backup.read_bytes()
        assert "is there already" in refused(manage(data, "agentos_backup", str(backup)))
        assert backup.read_bytes() == before
        assert "There is no folder" in refused(manage(data, "agentos_backup", str(tmp_path / "none" / "x")))
        assert "There is no database" in refused(manage(tmp_path / "empty", "agentos_backup", str(tmp_path / "x")))
        (data / "agentos.sqlite3").write_bytes(b"nonsense" * 1000)
        assert "damaged" in refused(manage(data, "agentos_backup", str(tmp_path / "x")))
        assert not (tmp_path / "x").exists()
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


class TestRestore:
    def test_into_an_empty_folder_gives_all_back_with_the_key(self, backup: Path, installed: Path, tmp_path: Path) -> None:
        said = done(manage(tmp_path / "new", "agentos_restore", str(backup)))
        assert "Restored: " in said
        assert "another SECRET_KEY" not in said
        assert messages(tmp_path / "new") == messages(installed)
        assert (tmp_path / "new" / "secret-key").read_text() == (installed / "secret-key").read_text()
        assert (tmp_path / "new" / "agentos.sqlite3").stat().st_mode & 0o777 == 0o600
        assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
            *("agentos.sqlite3", "agentos.sqlite3.lock", "files", "secret-key")
        ]
        assert given(tmp_path / "new") == [b"what we found"]

    def test_in_place_of_another_only_with_force_and_keeps_that_aside(self, backup: Path, data: Path) -> None:
        with closing(sqlite3.connect(data / "agentos.sqlite3")) as database:
            database.execute("UPDATE chat_run SET input = 'of later'")
            database.commit()
        for file in (data / "files").rglob("*"):
            if file.is_file():
                file.write_bytes(b"of later")
        assert "There is a database already" in refused(manage(data, "agentos_restore", str(backup)))
        assert set(messages(data)) == {"of later"}
        said = done(manage(data, "agentos_restore", str(backup), "--force"))
        assert messages(data) == [f"message {n}" for n in range(5)]
        (aside,) = data.glob("before_restore_*")
        assert str(aside) in said
        assert set(messages(aside)) == {"of later"}
        assert (given(data), given(aside)) == ([b"what we found"], [b"of later"])
        assert aside.stat().st_mode & 0o777 == 0o700

    def test_refuses_while_a_server_runs(self, backup: Path, data: Path) -> None:
        code = f"from pathlib import Path; from agentos.core.starting import lock; lock.take(Path({str(data / 'agentos.sqlite3')!r}));"
        server = subprocess.Popen(
            [sys.executable, "-c", f"{code} print('held', flush=True); input()"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert server.stdout
        assert server.stdout.readline() == "held\n"
        try:
            before = (data / "agentos.sqlite3").read_bytes()
            assert f"process {server.pid}" in refused(manage(data, "agentos_restore", str(backup), "--force"))
            assert (data / "agentos.sqlite3").read_bytes() == before
        finally:
            server.communicate("\n")

    def test_changes_nothing_for_one_that_does_not_fit(self, backup: Path, data: Path, tmp_path: Path) -> None:
        before = (data / "agentos.sqlite3").read_bytes()
        (tmp_path / "cut").write_bytes(backup.read_bytes()[:-100])
        assert "damaged" in refused(manage(data, "agentos_restore", str(tmp_path / "cut"), "--force"))
        other = changed(backup, tmp_path / "newer", tmp_path, migrations=[["chat", "9999_of_the_future"]])
        assert "made by a newer version" in refused(manage(data, "agentos_restore", str(other), "--force"))
        shutil.rmtree(tmp_path / "unpacked")
        other = changed(backup, tmp_path / "kind", tmp_path, database="postgresql")
        assert "is a backup of PostgreSQL" in refused(manage(data, "agentos_restore", str(other), "--force"))
        shutil.rmtree(tmp_path / "unpacked")
        other = changed(backup, tmp_path / "rows", tmp_path, counts={"chat_run": 6})
        assert "not as many rows" in refused(manage(data, "agentos_restore", str(other), "--force"))
        assert "There is no file" in refused(manage(data, "agentos_restore", str(tmp_path / "none"), "--force"))
        assert (data / "agentos.sqlite3").read_bytes() == before
        assert list(data.glob("before_restore_*")) == []
        assert [path.name for path in data.iterdir() if path.name.startswith(".")] == []

    def test_says_when_it_needs_migrations_and_another_key(self, backup: Path, tmp_path: Path) -> None:
        other = changed(backup, tmp_path / "older", tmp_path, migrations=[["chat", "0001_first"]], secret="environment", key_check="0")
        said = done(manage(tmp_path / "new", "agentos_restore", str(other)))
        assert "older version: run python manage.py migrate" in said
        assert "another SECRET_KEY" in said


@pytest.fixture(scope="module")
def urls() -> Iterator[list[str]]:
    with databases("one", "other", "third") as found:
        yield found


@pytest.fixture(scope="module")
def made(urls: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("pg")
    done(manage(data, "migrate", "-v", "0", DATABASE_URL=urls[0]))
    done(manage(data, "shell", "--no-imports", "-c", SEED, DATABASE_URL=urls[0]))
    with psycopg.connect(urls[0], autocommit=True) as connection:  # as with pgvector, which stands for every extension
        connection.execute("CREATE EXTENSION hstore")
        connection.execute("ALTER TABLE chat_run ADD COLUMN near hstore")
    done(manage(data, "agentos_backup", str(data / "made.backup"), DATABASE_URL=urls[0]))
    return data / "made.backup"


class TestPostgreSQL:
    def texts(self, url: str, schema: str = "public") -> list[str]:
        query = sql.SQL("SELECT input FROM {} ORDER BY id").format(sql.Identifier(schema, "chat_run"))
        with psycopg.connect(url) as connection:
            return [row[0] for row in connection.execute(query).fetchall()]

    def test_goes_back_into_an_empty_database(self, made: Path, urls: list[str], tmp_path: Path) -> None:
        assert members(made) == {"manifest.json", "postgresql.dump", "files.tar", "secret-key"}
        with psycopg.connect(urls[1], autocommit=True) as connection:
            connection.execute("CREATE EXTENSION citext")  # an administrator's, who is not asked again
        broken = changed(made, tmp_path / "rows", tmp_path, counts={"chat_run": 6})
        assert "not as many rows" in refused(manage(tmp_path, "agentos_restore", str(broken), DATABASE_URL=urls[1]))
        with psycopg.connect(urls[1]) as connection:
            assert connection.execute("SELECT 'A'::citext = 'a'").fetchone() == (True,)
        done(manage(tmp_path, "agentos_restore", str(made), DATABASE_URL=urls[1]))
        assert self.texts(urls[1]) == [f"message {n}" for n in range(5)]

    def test_is_a_sentence_without_the_programs(self, made: Path, urls: list[str], tmp_path: Path) -> None:
        python = Path(sys.executable).parent
        said = refused(manage(tmp_path, "agentos_backup", str(tmp_path / "x"), DATABASE_URL=urls[0], PATH=str(python)))
        assert "pg_dump is needed and was not found" in said
        assert not (tmp_path / "x").exists()
        said = refused(manage(tmp_path, "agentos_restore", str(made), DATABASE_URL=urls[2], PATH=str(python)))
        assert "pg_restore is needed and was not found" in said

    def test_takes_the_place_of_another_only_with_force_and_keeps_that_aside(self, made: Path, urls: list[str], tmp_path: Path) -> None:
        with psycopg.connect(urls[0], autocommit=True) as connection:
            connection.execute("UPDATE chat_run SET input = 'of later'")
            busy = manage(tmp_path, "agentos_restore", str(made), "--force", DATABASE_URL=urls[0])
            assert "Others are connected" in refused(busy)
        self.wait_until_alone(urls[0])
        assert "not empty" in refused(manage(tmp_path, "agentos_restore", str(made), DATABASE_URL=urls[0]))
        broken = changed(made, tmp_path / "rows", tmp_path, counts={"chat_run": 6})
        assert "not as many rows" in refused(manage(tmp_path, "agentos_restore", str(broken), "--force", DATABASE_URL=urls[0]))
        assert set(self.texts(urls[0])) == {"of later"}
        self.wait_until_alone(urls[0])
        said = done(manage(tmp_path, "agentos_restore", str(made), "--force", DATABASE_URL=urls[0]))
        assert self.texts(urls[0]) == [f"message {n}" for n in range(5)]
        aside = said.partition("the schema ")[2].split(".")[0].strip()
        assert set(self.texts(urls[0], aside)) == {"of later"}

    def wait_until_alone(self, url: str) -> None:
        over = time.monotonic() + 60
        with psycopg.connect(url, autocommit=True) as connection:
            ask = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
            while (connection.execute(ask).fetchone() or (0,))[0] > 1:
                assert time.monotonic() < over
                time.sleep(0.05)

    def test_loses_nothing_under_load(self, tmp_path: Path) -> None:
        with databases("drill", "drill_copy") as (origin, copy):
            assert "each restored whole" in drill(tmp_path, people=3, backups=1, origin=origin, copies=[copy])


def test_loses_nothing_under_load(tmp_path: Path) -> None:
    assert "each restored whole" in drill(tmp_path, people=4, backups=2)
