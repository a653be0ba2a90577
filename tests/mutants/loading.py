"""Importing the whole product before the first test: what a module does then belongs to no test, and its functions are all there."""

import contextlib
from importlib import import_module
from pathlib import Path


def load_product() -> None:
    for path in sorted(Path("agentos").rglob("*.py")):
        if "migrations" not in path.parts:
            with contextlib.suppress(ImportError):  # of what is not installed here
                import_module(".".join(path.with_suffix("").parts).removesuffix(".__init__"))
