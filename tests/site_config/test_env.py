"""Settings from the environment, and what a production refuses."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from agentos.conf import declared
from agentos.conf.kinds import Flag, Text
from site_config import env

ROOT = Path(__file__).resolve().parents[2]
SECRET = "0123456789" * 6


@pytest.fixture(autouse=True)
def no_declarations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env, "SETTINGS", {})


def manage(tmp_path: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run manage.py with nothing in the environment but what is given."""
    variables = {"PATH": os.environ["PATH"], "AGENTOS_DATA_DIR": str(tmp_path), **environment}
    return subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=variables, capture_output=True, text=True, check=False)


class TestASetting:
    def test_takes_the_variable_then_the_default(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert env.env("A_NAME", Text("default", "Help.")) == "default"
        monkeypatch.setenv("A_NAME", " value ")
        assert env.env("A_NAME", Text("default", "Help.")) == "value"

    def test_is_read_from_a_file_that_a_secret_store_has_put_there(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("from a file\n")
        monkeypatch.setenv("A_NAME_FILE", str(tmp_path / "secret"))
        assert env.env("A_NAME", Text("", "Help.")) == "from a file"

    def test_is_declared(self) -> None:
        setting = Text("x", "Help.")
        env.env("A_NAME", setting)
        assert {"A_NAME": setting} == env.SETTINGS

    def test_that_is_wrong_is_refused_under_its_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("A_NAME", "perhaps")
        with pytest.raises(ImproperlyConfigured, match=r"^A_NAME must be 1 or 0, not 'perhaps'\.$"):
            env.env("A_NAME", Flag(False, "Help."))


class TestOurs:
    def test_are_those_that_the_environment_names(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in os.environ:
            if name.startswith("AGENTOS_") or name in {"HOST", "PORT"}:
                monkeypatch.delenv(name)
        monkeypatch.setenv("AGENTOS_RUN_TIMEOUT", "7")
        monkeypatch.setenv("PORT", "8123")
        assert env.ours() == {"AGENTOS_RUN_TIMEOUT": 7, "AGENTOS_PORT": 8123}

    def test_have_all_of_them_a_row_in_the_table(self) -> None:
        env.ours()
        assert set(env.SETTINGS) == {setting.variable for setting in declared() if setting.variable}


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
        assert (done.returncode, done.stdout.strip()) == (0, "System check identified no issues (4 silenced)."), done.stderr

    def test_reads_nothing_of_another_one_in_a_cache_that_both_use(self, tmp_path: Path) -> None:
        ask = "from django.conf import settings; print(settings.CACHES['default']['KEY_PREFIX'])"
        common = {"ALLOWED_HOSTS": "example.com", "CACHE_URL": "redis://localhost"}
        one, again, other = (
            manage(tmp_path, "shell", "--no-imports", "-c", ask, SECRET_KEY=secret, **common).stdout
            for secret in (SECRET, SECRET, SECRET[::-1])
        )
        assert one == again != other
        assert one.startswith("agentos-")
