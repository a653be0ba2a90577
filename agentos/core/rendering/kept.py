"""HTML that was drawn once and is shown again: the only place where this process keeps any.

Whoever keeps something names in its key all that its HTML depends on. What is kept is never told that it is out of date.
"""

import sys
from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock

from django.utils.safestring import SafeString

LIMIT = 32 * 1024 * 1024  # bytes of all
SHARE = 16  # one of them may take so small a part of it


class Kept:
    """Up to ``limit`` bytes of HTML, from all threads. What was not shown for the longest time goes first."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.bytes = 0
        self._lock = Lock()
        self._kept: OrderedDict[Hashable, SafeString] = OrderedDict()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._kept

    def get(self, key: Hashable) -> SafeString | None:
        with self._lock:
            html = self._kept.get(key)
            if html is not None:
                self._kept.move_to_end(key)
            return html

    def put(self, key: Hashable, html: SafeString) -> None:
        size = sys.getsizeof(html)
        if size * SHARE > self.limit:
            return
        with self._lock:
            self._forget(key)
            self._kept[key] = html
            self.bytes += size
            while self.bytes > self.limit:
                self._forget(next(iter(self._kept)))

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()
            self.bytes = 0

    def _forget(self, key: Hashable) -> None:
        if (html := self._kept.pop(key, None)) is not None:
            self.bytes -= sys.getsizeof(html)


kept = Kept(LIMIT)
