"""What a local installation makes for itself."""

import secrets
from pathlib import Path


def local_secret(data_dir: Path) -> str:
    """Return the secret of this machine's own installation, made at the first start and readable by its owner alone."""
    path = data_dir / "secret-key"
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(64), encoding="ascii")
    return path.read_text(encoding="ascii")
