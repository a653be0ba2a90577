"""The data folder is for its owner alone, and its secret is whole or refused."""

import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from site_config.local import local_secret, private_database, private_folder

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def open_the_way_to(path: Path) -> None:
    """Let everybody reach a folder of pytest's, which keeps others out."""
    for folder in path.parents:
        if folder == Path(tempfile.gettempdir()):
            break
        folder.chmod(0o755)


def as_nobody(work: Callable[[], object]) -> str:
    """Do it in a child that is no longer root; return what it raised."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        said = ""
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            work()
        except BaseException as error:  # noqa: BLE001 - a forked child must not go on with the tests
            said = f"{type(error).__name__}: {error}"
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as file:
        said = file.read()
    os.waitpid(child, 0)
    return said


class TestTheFolder:
    def test_is_made_for_its_owner_alone(self, data: Path) -> None:
        private_folder(data / "deep")
        assert mode(data / "deep") == 0o700

    def test_is_mended_with_the_files_in_it(self, data: Path) -> None:
        data.mkdir(mode=0o755)
        data.chmod(0o755)
        names = ["agentos.sqlite3", "agentos.sqlite3-wal", "agentos.sqlite3-shm", "backup.sqlite3", "secret-key", "script"]
        for name in names:
            (data / name).touch()
            (data / name).chmod(0o664)
        (data / "script").chmod(0o755)
        (data / "agentos.sqlite3").chmod(0o444)  # its owner may write it
        private_folder(data)
        assert mode(data) == 0o700
        assert {name: oct(mode(data / name)) for name in names} == {**dict.fromkeys(names, oct(0o600)), "script": oct(0o700)}

    def test_does_not_reach_through_links(self, data: Path, tmp_path: Path) -> None:
        data.mkdir()
        (tmp_path / "elsewhere").touch(0o644)
        (tmp_path / "elsewhere").chmod(0o644)
        (data / "link").symlink_to(tmp_path / "elsewhere")
        private_folder(data)
        assert mode(tmp_path / "elsewhere") == 0o644

    def test_that_everybody_shares_is_refused_and_left_alone(self, data: Path) -> None:
        data.mkdir()
        data.chmod(0o1777)
        with pytest.raises(ImproperlyConfigured, match="is one that all users of this machine share"):
            private_folder(data)
        with pytest.raises(ImproperlyConfigured, match="share"):
            private_folder(Path("/"))
        assert mode(data) == 0o1777

    @pytest.mark.skipif("os.geteuid() != 0", reason="Only root can become somebody else.")
    @pytest.mark.parametrize("permissions", [0o777, 0o755, 0o700])
    def test_of_somebody_else_is_refused_in_a_sentence(self, data: Path, permissions: int) -> None:
        open_the_way_to(data)
        data.mkdir()
        data.chmod(permissions)
        said = as_nobody(lambda: private_folder(data))
        assert said.startswith(f"ImproperlyConfigured: The data folder {data} belongs to root, and this runs as")
        assert mode(data) == permissions

    @pytest.mark.skipif("os.geteuid() != 0", reason="Only root can become somebody else.")
    def test_that_may_not_be_made_is_refused_in_a_sentence(self, data: Path) -> None:
        open_the_way_to(data)
        said = as_nobody(lambda: private_folder(data))
        assert said.startswith(f"ImproperlyConfigured: The data folder {data} cannot be used: Permission denied.")


class TestTheDatabase:
    @pytest.mark.parametrize("umask", [0o000, 0o022])
    def test_and_its_side_files_are_their_owners_alone(self, data: Path, umask: int) -> None:
        """Whatever the umask says."""
        code = """
import os, pathlib, django
django.setup()
from django.conf import settings
from django.db import connection
connection.cursor().execute("CREATE TABLE x (y)")
folder = pathlib.Path(settings.DATABASES["default"]["NAME"]).parent
print(sorted((path.name, oct(path.stat().st_mode & 0o777)) for path in folder.iterdir()))
"""
        env = {**os.environ, "AGENTOS_LOCAL": "1", "AGENTOS_DATA_DIR": str(data), "DJANGO_SETTINGS_MODULE": "site_config.settings"}
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=False, umask=umask)
        names = ("agentos.sqlite3", "agentos.sqlite3-shm", "agentos.sqlite3-wal", "secret-key")
        assert done.stdout.strip() == str([(name, "0o600") for name in names]), done.stderr
        assert mode(data) == 0o700

    def test_that_is_elsewhere_is_mended_there(self, tmp_path: Path) -> None:
        path = tmp_path / "else.sqlite3"
        with closing(sqlite3.connect(path)) as opened:
            opened.execute("PRAGMA journal_mode=WAL")
            opened.execute("CREATE TABLE x (y)")
            for file in tmp_path.iterdir():
                file.chmod(0o644)
            (tmp_path / "other").touch()
            (tmp_path / "other").chmod(0o644)
            private_database(path)
            assert {file.name: mode(file) for file in tmp_path.iterdir()} == {
                "else.sqlite3": 0o600,
                "else.sqlite3-wal": 0o600,
                "else.sqlite3-shm": 0o600,
                "other": 0o644,
            }


class TestTheSecret:
    def test_is_made_once_and_is_its_owners_alone(self, data: Path) -> None:
        first = local_secret(data)
        assert local_secret(data) == first
        assert len(first) > 50
        assert mode(data / "secret-key") == 0o600
        assert [path.name for path in data.iterdir()] == ["secret-key"]

    def test_is_one_for_all_that_start_at_once(self, data: Path) -> None:
        with ThreadPoolExecutor(8) as all_at_once:
            assert len(set(all_at_once.map(lambda _: local_secret(data), range(16)))) == 1

    @pytest.mark.parametrize("left", ["", "\n", "a", "a" * 43, "a" * 70, "a" * 85, "\0" * 86])
    def test_that_is_not_whole_is_refused(self, data: Path, left: str) -> None:
        data.mkdir()
        (data / "secret-key").write_text(left)
        with pytest.raises(ImproperlyConfigured, match=r"is (cut short|empty)\. Put it back from a backup\. Or delete the file"):
            local_secret(data)
        assert (data / "secret-key").read_text() == left

    @pytest.mark.parametrize("left", ["a" * 64 + "\n", "b" * 86, "c" * 100])
    def test_that_somebody_has_put_there_is_taken(self, data: Path, left: str) -> None:
        data.mkdir()
        (data / "secret-key").write_text(left)
        assert local_secret(data) == left.strip()

    def test_is_never_there_half(self, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A disk that fills up while it is written leaves none."""

        def full(handle: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(ImproperlyConfigured, match="cannot be read or made: No space left on device"):
            local_secret(data)
        assert list(data.iterdir()) == []
