"""The stylesheet: a file for each part in ``static/css``, and one file of all for browsers, made when static files are collected."""

import re
from collections.abc import Iterator
from typing import Any

from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from whitenoise.storage import CompressedManifestStaticFilesStorage

NAMES = "tokens base layout controls sidebar cards chat shown composer settings contrast print"
PARTS = tuple(f"css/{name}.css" for name in NAMES.split())  # each is the cascade layer of its name; the first one orders them
WHOLE = "css/app.css"
SAID = re.compile(rb"/\*.*?\*/|^[ ]+", re.DOTALL | re.MULTILINE)  # what only people read: comments, indents


class Storage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Collects ``css/app.css`` too: a browser asks for one file instead of ten."""

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:  # noqa: FBT001, FBT002 - Django's
        if not dry_run:
            self.delete(WHOLE)
            self.save(WHOLE, ContentFile(b"\n".join(_content(*paths[part]) for part in PARTS)))
            paths[WHOLE] = (self, WHOLE)
        yield from super().post_process(paths, dry_run, **options)


def _content(storage: Any, path: str) -> bytes:
    with storage.open(path) as file:
        content: bytes = file.read()
    return SAID.sub(b"", content)


def stylesheet_urls() -> list[str]:
    """Return what a page links: the one file, or all parts where a project stores static files in another way."""
    has_whole = isinstance(storages["staticfiles"], Storage)
    return [staticfiles_storage.url(name) for name in ((WHOLE,) if has_whole else PARTS)]
