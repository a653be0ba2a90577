"""Clients of others that come from npm: which, in which versions, and how a test runs a program of theirs.

``make test`` installs them, into a folder of ``.venv`` that the lock file's content names; so does the first test that asks. Nothing
of it is done where node and npm are not installed: those tests are skipped.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.server import ROOT

HERE = Path(__file__).parent
SERVERS = HERE / "servers"  # of MCP, for the tests of connections
OLDEST = 20  # of node
INSTALL_SECONDS = 300


def missing() -> str:
    """Return why nothing from npm can be run here; empty when it can."""
    if not shutil.which("node") or not shutil.which("npm"):
        return "node and npm are not installed"
    found = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return "" if int(found.removeprefix("v").split(".")[0]) >= OLDEST else f"node is {found}, and {OLDEST} is needed"


@cache
def installed(packages: Path = HERE) -> Path:
    """Return the folder with the packages, which are installed if they are not there. ``packages``: the folder with their lock file.
    Raises CalledProcessError."""
    lock = (packages / "package-lock.json").read_bytes()
    folder = ROOT / ".venv" / "npm" / hashlib.sha256(lock).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # tests run in several processes
        if not (folder / "done").exists():
            for name in ("package.json", "package-lock.json"):
                shutil.copy(packages / name, folder)
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=INSTALL_SECONDS)
            (folder / "done").touch()
    return folder


def program(name: str) -> str:
    return (HERE / f"{name}.mjs").read_text(encoding="utf-8")


def run(program: str, *, environment: Mapping[str, str], seconds: int = 90) -> Any:
    """Run a program of JavaScript with the packages at hand, and return the JSON that it prints. Skips the test without node."""
    return json.loads(text(program, environment=environment, seconds=seconds) or "null")


def text(program: str, *, environment: Mapping[str, str], seconds: int = 90) -> str:
    """The same for what is no JSON."""
    if why := missing():
        pytest.skip(why)
    command = ["node", "--input-type=module"]
    env = {**environment, "PATH": os.environ["PATH"]}
    done = subprocess.run(command, input=program, cwd=installed(), env=env, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def main() -> None:
    sys.stdout.write(f"{missing() or f'{installed()} {installed(SERVERS)}'}\n")
