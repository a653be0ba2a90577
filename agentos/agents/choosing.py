"""What members may choose of an agent: the model that answers, and its effort."""

from collections.abc import Sequence
from dataclasses import dataclass

from agentos.agents.efforts import EFFORTS, LABELS, NORMAL, knows_efforts
from agentos.agents.models import DjangoAgent
from agentos.agents.providers import availability
from agentos.agents.queries import model_label


@dataclass(frozen=True, slots=True)
class Choices:
    """Each with its label. Where there is nothing to choose it is empty."""

    models: tuple[tuple[str, str], ...] = ()
    efforts: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.models or self.efforts)


def choices_of(agent: DjangoAgent) -> Choices:
    """Return what can be chosen now, the agent's own model first. Asks no database."""
    models = usable(agent.models_to_choose)
    efforts = tuple((effort, str(LABELS[effort])) for effort in EFFORTS) if offers_efforts(agent) else ()
    return Choices(tuple((model, model_label(model)) for model in models) if len(models) > 1 else (), efforts)


def usable(models: Sequence[str]) -> list[str]:
    """Return the first, which is the agent's own, and those of the others that can be used now."""
    own, *others = models
    return [own, *(model for model in dict.fromkeys(others) if model != own and availability(model).ok)]


def offers_efforts(agent: DjangoAgent) -> bool:
    return agent.effort_choice and any(map(knows_efforts, agent.models_to_choose))


def effort_with(agent: DjangoAgent, model: str, effort: str) -> str:
    """Return the effort as it is kept: empty for the normal one, and where the agent or the model knows no other."""
    return effort if effort != NORMAL and effort in EFFORTS and agent.effort_choice and knows_efforts(model) else ""
