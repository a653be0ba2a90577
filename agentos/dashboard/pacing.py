"""When a tab is told what it hears: more of the same often follows at once, and is then told together."""

import asyncio
import math

from agentos.core.http import sse

STATE_PAUSE = 0.05  # seconds: a message that is sent is claimed, and often answered, within them
LISTS_PAUSE = 0.2  # seconds in which changes of the lists are gathered


class StatePause:
    """Holds back "session" until its moment is over or the answer grows: sent, claimed and begun are then one frame."""

    def __init__(self) -> None:
        self.due = 0.0

    def add(self, heard: set[str], now: float) -> set[str]:
        """Return what is to be told now of what was heard."""
        if self.due and ("draft" in heard or now >= self.due):
            self.due = 0.0
            return heard | {"session"}
        if "session" in heard and "draft" not in heard:
            self.due = self.due or now + STATE_PAUSE
            return heard - {"session"}
        return heard

    def wake_at(self, otherwise: float) -> float:
        return min(self.due, otherwise) if self.due else otherwise


class Gathering:
    """Notices about the user's lists, gathered for a moment: a run that starts rings more than once."""

    def __init__(self, topics: set[str]) -> None:
        self.topics = {topic for topic in topics if topic.startswith("user:")}
        self.due = 0.0

    def add(self, topics: set[str], now: float) -> None:
        fresh = {topic for topic in topics if topic.startswith("user:")}
        if fresh and not self.topics:
            self.due = max(self.due, now + LISTS_PAUSE / 2)
        self.topics |= fresh

    def take(self, now: float, *, in_passing: bool = False) -> set[str]:
        """Return what was gathered, once it is due; ``in_passing``: or at once, since the tab is told something anyway."""
        if not self.topics or (now < self.due and not in_passing):
            return set()
        taken, self.topics, self.due = self.topics, set(), now + LISTS_PAUSE
        return taken

    def wake_at(self, otherwise: float) -> float:
        return min(self.due, otherwise) if self.topics else otherwise


class Pace:
    """Of one stream. ``rung``: the topics that rang last. ``heard``: the kinds of news that are to be told now."""

    def __init__(self, news: set[str]) -> None:
        self.now = asyncio.get_running_loop().time  # the clock by which it is woken: it may stand still for a while
        self.rung = self.heard = news
        self.state = StatePause()
        self.lists = Gathering(news)
        self.missed: set[str] = set()  # topics whose news could not be told
        self.again_at = math.inf
        self.has_told()

    def hear(self, rung: set[str]) -> None:
        now = self.now()
        if now >= self.again_at:
            rung, self.missed, self.again_at = rung | self.missed, set(), math.inf
        self.rung = rung
        self.lists.add(rung, now)
        self.heard = self.state.add({topic.partition(":")[0] for topic in rung}, now)

    def miss(self, topics: set[str], seconds: float) -> None:
        """Nothing of what was due could be told: in so many seconds it is due again, and all of these topics."""
        self.missed |= self.rung | topics
        self.again_at = self.now() + seconds

    def lists_due(self) -> set[str]:
        """What is to be told of the lists: together with words that are on their way anyway."""
        return self.lists.take(self.now(), in_passing="draft" in self.heard)

    def has_told(self) -> None:
        self.beat_due = self.now() + sse.HEARTBEAT_SECONDS

    def is_quiet(self) -> bool:
        """Nothing was told for so long that a proxy might think that nobody is there."""
        return self.now() >= self.beat_due

    def rest(self) -> float:
        """Seconds until something is due by itself."""
        return max(0.0, self.state.wake_at(self.lists.wake_at(min(self.beat_due, self.again_at))) - self.now())
