"""When a tab is told what it hears: a change to its chat waits for a moment, since more of the same follows at once."""

STATE_PAUSE = 0.05  # seconds: a message that is sent is claimed, and often answered, within them


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
