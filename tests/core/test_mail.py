"""Mails that nobody waits for."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.server import ROOT, Server

SCRIPT = """
from django.core.mail import EmailMessage
from agentos.core import mail
letters = [EmailMessage(f"Number {n}", "Hello", to=["olga@example.com"]) for n in range(200)]
mail.post(letters, what="say hello")
"""


@pytest.mark.server
def test_a_command_that_ends_at_once_has_sent_its_mails(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-c", SCRIPT],
        cwd=ROOT,
        env=Server(tmp_path).env | {"DJANGO_SETTINGS_MODULE": "site_config.settings"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Subject: Number ") == 200
