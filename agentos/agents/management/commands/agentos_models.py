"""`agentos models`: the providers of models, and what is missing to use them."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from agentos.agents.provider_states import ProviderState, provider_states


class Command(BaseCommand):
    help = "List the providers of models: those that can be used here, and what is missing for the others."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("words", nargs="*", help="only those whose name has these words")
        parser.add_argument("--ready", action="store_true", help="only those that can be used now")

    def handle(self, *, words: list[str], ready: bool, **_options: Any) -> None:
        found = [state for state in provider_states() if (state.is_ready or not ready) and _has(state, words)]
        if not found:
            self.stdout.write("There is none." if words or not ready else "None can be used yet: `agentos models` says what is missing.")
        for state in found:
            self.stdout.write(f"{'ready  ' if state.is_ready else 'missing'}  {state.slug:<24} {state.label} ({', '.join(state.able)})")
            for line in (*state.missing, *self._notes(state)):
                self.stdout.write(f"         {line}")

    @staticmethod
    def _notes(state: ProviderState) -> list[str]:
        models = [f"for example {state.slug}:{model}" for model in state.models[:1]] if state.is_ready else []
        agents = [f"active agents that have it: {state.agents}"] if state.agents else []
        return [*models, *agents]


def _has(state: ProviderState, words: list[str]) -> bool:
    name = f"{state.slug} {state.label}".casefold()
    return all(word.casefold() in name for word in words)
