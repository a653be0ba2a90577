"""The counter of core.limits for PostgreSQL, where many processes count together."""

from django.db import connection

from agentos.access.models import RateCount
from agentos.core import clock

TABLE = RateCount._meta.db_table  # noqa: SLF001
# One statement, so that two processes never count past each other. A process whose clock is behind counts in the newer window.
HIT = f"""
    INSERT INTO {TABLE} AS known (key, "window", count, ends) VALUES (%s, %s, 1, %s)
    ON CONFLICT (key) DO UPDATE SET
        count = CASE WHEN known."window" >= excluded."window" THEN known.count + 1 ELSE 1 END,
        "window" = GREATEST(known."window", excluded."window"),
        ends = GREATEST(known.ends, excluded.ends)
    RETURNING count
"""  # noqa: S608
# Rows that somebody counts in at this moment are left alone: waiting for them could be a deadlock.
SWEEP = f"DELETE FROM {TABLE} WHERE key IN (SELECT key FROM {TABLE} WHERE ends < %s FOR UPDATE SKIP LOCKED)"  # noqa: S608
SWEEP_ONE_IN = 200  # hits


class TableCounter:
    def hit(self, key: str, window: int, seconds: int) -> int:
        with connection.cursor() as cursor:
            cursor.execute(HIT, [key, window, (window + 1) * seconds])
            count: int = cursor.fetchone()[0]
        if hash((key, window, count)) % SWEEP_ONE_IN == 0:
            self.sweep()
        return count

    def sweep(self) -> None:
        """Drop the rows of windows that are over."""
        with connection.cursor() as cursor:
            cursor.execute(SWEEP, [int(clock.now().timestamp())])
