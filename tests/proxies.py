"""nginx and Caddy for the tests: from PATH, or unpacked from Debian's packages into .venv/proxies, where nothing is installed.

`python -m tests.proxies` fetches what is missing.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

NAMES = ("nginx", "caddy")
FOLDER = Path(__file__).resolve().parents[1] / ".venv" / "proxies"
PLACES = ("usr/sbin", "usr/bin")


def program(name: str) -> str | None:
    """Return where it is; None when it is not on this machine."""
    if found := shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin"):
        return found
    return next((str(FOLDER / place / name) for place in PLACES if (FOLDER / place / name).exists()), None)


def fetch(name: str) -> bool:
    """Unpack Debian's package of this name. Returns whether that could be done."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        download = ["apt-get", "-qq", "download", name]
        try:
            if subprocess.run(download, cwd=folder, capture_output=True, check=False).returncode:
                subprocess.run(["apt-get", "-qq", "update"], capture_output=True, check=False)  # its lists may be old, or not there
                subprocess.run(download, cwd=folder, capture_output=True, check=True)
            for package in Path(folder).glob("*.deb"):
                subprocess.run(["dpkg", "-x", str(package), str(FOLDER)], check=True)
        except (OSError, subprocess.CalledProcessError):
            return False
    return True


def main() -> int:
    missing = [name for name in NAMES if program(name) is None]
    return 0 if all(map(fetch, missing)) else 1


if __name__ == "__main__":
    sys.exit(main())
