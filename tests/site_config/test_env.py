"""Settings from the environment, and what a production refuses."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from site_config import env
from site_config.local import local_secret

ROOT = Path(__file__).resolve().parents[2]
SECRET = "0123456789" * 6


@pytest.fixture(autouse=True)
def no_declarations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env, "SETTINGS", {})


def manage(tmp_path: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run manage.py with nothing in the environment but what is given."""
    variables = {"PATH": os.environ["PATH"], "AGENTOS_DATA_DIR": str(tmp_path), **environment}
    return subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=variables, capture_output=True, text=True, check=False)


class TestEnvStr:
    def test_takes_the_variable_then_the_default(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert env.env_str("A_NAME", "default", "Help.") == "default"
        monkeypatch.setenv("A_NAME", " value ")
        assert env.env_str("A_NAME", "default", "Help.") == "value"

    def test_reads_a_file_that_a_secret_store_has_put_there(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("from a file\n")
        monkeypatch.setenv("A_NAME_FILE", str(tmp_path / "secret"))
        assert env.env_str("A_NAME", "", "Help.") == "from a file"

    def test_declares_itself(self) -> None:
        env.env_str("A_NAME", "x", "Help.")
        assert {"A_NAME": env.Setting("A_NAME", "x", "Help.")} == env.SETTINGS


class TestEnvBool:
    @pytest.mark.parametrize(("text", "value"), [("1", True), ("TRUE", True), ("on", True), ("0", False), ("no", False), ("", False)])
    def test_reads(self, text: str, value: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("A_NAME", text)
        assert env.env_bool("A_NAME", not value, "Help.") is value

    def test_refuses_anything_else(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("A_NAME", "perhaps")
        with pytest.raises(ImproperlyConfigured, match="A_NAME must be 1 or 0, not 'perhaps'"):
            env.env_bool("A_NAME", False, "Help.")


class TestEnvInt:
    def test_refuses_what_is_no_number(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("A_NAME", "8000x")
        with pytest.raises(ImproperlyConfigured, match="whole number"):
            env.env_int("A_NAME", 1, "Help.")


class TestEnvList:
    def test_splits_at_commas(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("A_NAME", "a, b,,c ")
        assert env.env_list("A_NAME", "", "Help.") == ["a", "b", "c"]


class TestEnvUrl:
    @pytest.mark.parametrize(
        "text",
        ["", "redis://host", "redis://:secret@host:6379/0", "rediss://me:a%23b@[::1]:6379/0?socket_timeout=2", "unix:///run/redis.sock"],
    )
    def test_takes_an_address(self, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("A_NAME", text)
        assert env.env_url("A_NAME", ("redis", "rediss", "unix"), "Help.") == text

    @pytest.mark.parametrize(
        "text", ["secret", "secret:6379", "memcached://secret", "redis://:secret#1@host:6379/0", "redis://secret:port"]
    )
    def test_refuses_anything_else_and_does_not_repeat_it(self, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("A_NAME", text)
        with pytest.raises(ImproperlyConfigured, match="A_NAME must be an address that begins with redis:// or rediss://") as refused:
            env.env_url("A_NAME", ("redis", "rediss"), "Help.")
        assert "secret" not in str(refused.value)


class TestLocalSecret:
    def test_is_made_once_and_is_its_owners_alone(self, tmp_path: Path) -> None:
        first = local_secret(tmp_path / "data")
        assert local_secret(tmp_path / "data") == first
        assert len(first) > 50
        assert (tmp_path / "data" / "secret-key").stat().st_mode & 0o777 == 0o600


class TestAProduction:
    @pytest.mark.parametrize(
        ("environment", "problem"),
        [
            ({}, "SECRET_KEY must be at least 50 random characters; ALLOWED_HOSTS must name the hosts of this site"),
            ({"SECRET_KEY": "django-insecure-" + SECRET, "ALLOWED_HOSTS": "example.com"}, "SECRET_KEY"),
            ({"SECRET_KEY": SECRET, "ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS"),
            ({"SECRET_KEY": SECRET, "ALLOWED_HOSTS": "example.com", "DEBUG": "1"}, "DEBUG must be off"),
        ],
    )
    def test_refuses_to_start(self, environment: dict[str, str], problem: str, tmp_path: Path) -> None:
        done = manage(tmp_path, "check", **environment)
        assert done.returncode != 0
        assert problem in done.stderr

    def test_has_nothing_to_say_against_itself(self, tmp_path: Path) -> None:
        done = manage(tmp_path, "check", "--deploy", "--fail-level", "WARNING", SECRET_KEY=SECRET, ALLOWED_HOSTS="example.com")
        assert (done.returncode, done.stdout.strip()) == (0, "System check identified no issues (2 silenced)."), done.stderr

    def test_reads_nothing_of_another_one_in_a_cache_that_both_use(self, tmp_path: Path) -> None:
        ask = "from django.conf import settings; print(settings.CACHES['default']['KEY_PREFIX'])"
        common = {"ALLOWED_HOSTS": "example.com", "CACHE_URL": "redis://localhost"}
        one, again, other = (
            manage(tmp_path, "shell", "--no-imports", "-c", ask, SECRET_KEY=secret, **common).stdout
            for secret in (SECRET, SECRET, SECRET[::-1])
        )
        assert one == again != other
        assert one.startswith("agentos-")
