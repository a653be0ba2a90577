"""When a message is sent again: the example schedule of Standard Webhooks, three days in all."""

import random
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

WAITS = (
    timedelta(),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
JITTER = 0.1  # of each wait: messages that failed together do not come back together
LONGEST_PAUSE = timedelta(hours=24)
PAUSE = timedelta(seconds=30)  # of a receiver that is overloaded and does not say for how long

# What a receiver answers that has too much to do, or a proxy whose receiver is down: the endpoint as a whole gets a pause.
OVERLOADED = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT})

_dice = random.SystemRandom()


def next_try(tries: int, now: datetime, pause: timedelta | None) -> datetime | None:
    """Return when to send a message again that has failed ``tries`` times; None when it was enough. A receiver's pause is kept."""
    if tries >= len(WAITS):
        return None
    wait = WAITS[tries] * (1 + _dice.uniform(0, JITTER))
    return now + max(wait, pause or timedelta())


def pause_of(retry_after: str, now: datetime) -> timedelta | None:
    """Return what a Retry-After header asks for, seconds or a date, a day at most; None for nothing that is understood."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=min(int(text[:12]), 10**6)), LONGEST_PAUSE)
    try:
        return min(max(parsedate_to_datetime(text) - now, timedelta()), LONGEST_PAUSE)
    except (TypeError, ValueError):  # no date, or one without a zone
        return None
