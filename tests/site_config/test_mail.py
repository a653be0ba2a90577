"""Settings of the mail that the site sends."""

import json
from pathlib import Path

import pytest

from tests.site_config.test_env import manage

ASK = "import json; from django.conf import settings as s; print(json.dumps([getattr(s, name) for name in {!r}]))"
LOCAL = {"AGENTOS_LOCAL": "1"}


class TestMail:
    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ({}, {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}),
            (
                {"EMAIL_HOST": "mail.example.com", "AGENTOS_ORIGIN": "https://chat.example.com/"},
                {
                    "AGENTOS_ORIGIN": "https://chat.example.com",
                    "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
                    "EMAIL_PORT": 587,
                    "EMAIL_USE_TLS": True,
                    "EMAIL_USE_SSL": False,
                    "EMAIL_TIMEOUT": 10,
                },
            ),
            (
                {"EMAIL_HOST": "mail.example.com", "EMAIL_USE_SSL": "1", "EMAIL_PORT": "465"},
                {"EMAIL_USE_TLS": False, "EMAIL_USE_SSL": True, "EMAIL_PORT": 465},  # Django refuses both at once
            ),
        ],
    )
    def test_is_set_up_by_the_environment(self, given: dict[str, str], expected: dict[str, object], tmp_path: Path) -> None:
        done = manage(tmp_path, "shell", "--no-imports", "-c", ASK.format(list(expected)), **LOCAL, **given)
        assert json.loads(done.stdout) == list(expected.values()), done.stderr

    @pytest.mark.parametrize(
        "origin", ["chat.example.com", "ftp://chat.example.com", "https://chat.example.com/agentos", "https://a@b", "https://"]
    )
    def test_refuses_an_origin_that_is_none(self, origin: str, tmp_path: Path) -> None:
        done = manage(tmp_path, "check", AGENTOS_ORIGIN=origin, **LOCAL)
        assert done.returncode != 0
        assert "AGENTOS_ORIGIN must be like https://chat.example.com" in done.stderr
