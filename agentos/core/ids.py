"""Public ids: what stands in a URL and in JSON instead of a row's number."""

import secrets

ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
LENGTH = 20  # 103 bits: not to be guessed


def new_id(prefix: str) -> str:
    """Return a fresh id such as ``run_3k9x...``: the kind, then 20 random characters."""
    return f"{prefix}_{''.join(secrets.choice(ALPHABET) for _ in range(LENGTH))}"


def new_session_id() -> str:
    return new_id("session")


def new_run_id() -> str:
    return new_id("run")
