"""`python -m tests.bench.scale [--chats 100000]`: the arithmetic of docs/scale.md, from what `make bench CLUSTER=1` measured."""

import argparse
from dataclasses import dataclass

TICK, TICK_PER_RUN, TICK_MOST = 0.05, 0.002, 0.25  # seconds, of agentos/chat/runs/journal.py
# Of one line of the journal: what one answer has said within a tick, written, told, read, rendered and sent to one tab.
SERVER_MS = 1.1
DATABASE_MS = 0.33
LINE_KB = 0.5  # in the log of the database: a row, its index entry, a share of the commit
# Of one notice, for each process that hears it: it is read, and what nobody follows here is left.
NOTICE_MS = 0.05
FULL = 0.6  # of a core that may be used: the rest is for pages, and for the moments when much happens


@dataclass(frozen=True)
class Plan:
    """``shards``: databases, each with servers of its own."""

    chats: int
    servers: int
    shards: int

    @property
    def chats_a_server(self) -> float:
        return self.chats / self.servers

    @property
    def ticks(self) -> float:
        """A second, of one server."""
        return 1 / min(TICK + TICK_PER_RUN * self.chats_a_server, TICK_MOST)

    @property
    def lines(self) -> float:
        """A second, of one database."""
        return self.chats * self.ticks / self.shards

    @property
    def notices(self) -> float:
        """A second, of one database. Each is heard by all its servers."""
        return self.servers / self.shards * self.ticks

    @property
    def server_cores(self) -> float:
        """Of one server, which can use one."""
        return (self.chats_a_server * self.ticks * SERVER_MS + self.notices * NOTICE_MS) / 1000

    @property
    def database_cores(self) -> float:
        return self.lines * DATABASE_MS / 1000

    @property
    def log_mb(self) -> float:
        return self.lines * LINE_KB / 1000


def plan(chats: int, shards: int) -> Plan | None:
    """The fewest servers of which none is more than full. None: more of them would only have more to hear of each other."""
    servers = shards
    while Plan(chats, servers, shards).server_cores > FULL:
        servers += max(1, servers // 50)
        if servers > chats:
            return None
    return Plan(chats, servers, shards)


HEAD = "| answers at once | databases | servers, a core each | cores of each database | its log, MB/s | its notices/s | to hear them |"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--chats", type=int, default=0)
    chosen = parser.parse_args().chats
    usual = [(100, 1), (1000, 1), (10_000, 1), (100_000, 1), (100_000, 16)]
    print(f"{HEAD}\n|---|---|---|---|---|---|---|")
    for chats, shards in [(chosen, 1), (chosen, 4), (chosen, 16)] if chosen else usual:
        one = plan(chats, shards)
        if one is None:
            print(f"| {chats:,} | {shards} | no number of them will do | | | | |")
            continue
        cores, heard = f"{one.database_cores:.1f}", f"{one.notices * NOTICE_MS / 10:.1f} % of each server"
        print(f"| {chats:,} | {shards} | {one.servers:,} | {cores} | {one.log_mb:.1f} | {one.notices:,.0f} | {heard} |")


if __name__ == "__main__":
    main()
