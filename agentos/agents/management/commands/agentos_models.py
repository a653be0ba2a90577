"""`agentos models`: the providers of models, and what is missing to use them."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from agentos.agents.model_cards import told
from agentos.agents.provider_states import ProviderState, provider_states
from agentos.agents.providers import availability


class Command(BaseCommand):
    help = "List the providers of models: those that can be used here, and what is missing for the others."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("words", nargs="*", help="only those whose name has these words; or a model, as provider:model")
        parser.add_argument("--ready", action="store_true", help="only those that can be used now")

    def handle(self, *, words: list[str], ready: bool, **_options: Any) -> None:
        for model in (word for word in words if ":" in word):
            self._tell(model)
        if words and all(":" in word for word in words):
            return
        words = [word for word in words if ":" not in word]
        found = [state for state in provider_states() if (state.is_ready or not ready) and _has(state, words)]
        if not found:
            self.stdout.write("There is none." if words or not ready else "None can be used yet: `agentos models` says what is missing.")
        for state in found:
            self.stdout.write(f"{'ready  ' if state.is_ready else 'missing'}  {state.slug:<24} {state.label} ({', '.join(state.able)})")
            for line in (*state.missing, *self._notes(state)):
                self.stdout.write(f"         {line}")

    def _tell(self, model: str) -> None:
        """Say what one model can, whichever provider it is of."""
        state = availability(model)
        self.stdout.write(f"{'ready  ' if state.ok else 'missing'}  {model}")
        for line in ([] if state.ok else [state.reason], list(told(model))):
            for each in line:
                self.stdout.write(f"         {each}")

    @staticmethod
    def _notes(state: ProviderState) -> list[str]:
        models = [f"{each.model}: {'; '.join(each.able)}" for each in state.models] if state.is_ready else []
        agents = [f"active agents that have it: {state.agents}"] if state.agents else []
        return [*models, *agents]


def _has(state: ProviderState, words: list[str]) -> bool:
    name = f"{state.slug} {state.label}".casefold()
    return all(word.casefold() in name for word in words)
