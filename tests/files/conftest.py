"""Each test has an empty storage: what one rolls back, its bytes stay."""

import shutil
from pathlib import Path

import pytest

from agentos.files import storage


@pytest.fixture(autouse=True)
def empty_storage() -> None:
    shutil.rmtree(Path(storage.store().path("agentos")), ignore_errors=True)
