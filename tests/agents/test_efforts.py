"""Efforts and settings of models: as the classes that really answer have them."""

import dataclasses
from importlib import import_module
from typing import Any

import pytest
from agno.models.utils import MODEL_PROVIDER_CLASSES

from agentos.agents import blueprint, efforts
from agentos.agents.blueprint import InvalidBlueprint, checked
from agentos.agents.runtime import building
from agentos.agents.runtime import models as runtime_models
from agentos.agents.specs import AgentSpec
from tests.agents.fakes import play, spec, text_of


def test_are_fields_of_the_classes_that_answer() -> None:
    looked_at = 0
    for slug, rules in efforts.TABLE.items():
        if slug in {"scripted", "openai-like"}:
            continue
        module, class_name = MODEL_PROVIDER_CLASSES[slug]
        try:
            model_class = getattr(import_module(module), class_name)
        except ImportError:
            continue
        if not dataclasses.is_dataclass(model_class):  # whose package is not installed
            continue
        names = {field.name for field in dataclasses.fields(model_class)}
        for _, by_effort in rules:
            assert {name for fields in by_effort.values() for name in fields} <= names, slug
            looked_at += 1
    assert looked_at >= 4


@pytest.mark.parametrize(
    ("model", "knows"),
    [
        ("openai:gpt-5.4", True),
        ("openai:gpt-4o", False),
        ("openrouter:openai/gpt-oss-20b", True),
        ("anthropic:claude-sonnet-5-5", True),
        ("anthropic:claude-3-5-haiku", False),
        ("google:gemini-3.7-flash", True),
        ("local:smollm2", False),
        ("scripted:effort", True),
        ("scripted:echo", False),
        ("nobody:x", False),
    ],
)
def test_know_which_models_have_them(model: str, knows: bool) -> None:
    assert efforts.knows_efforts(model) is knows
    assert bool(efforts.fields_of(model, "thorough")) is knows
    assert not efforts.fields_of(model, "normal")


async def test_reach_the_model() -> None:
    for effort, said in (("", "as it is"), ("quick", "quick"), ("thorough", "thorough"), ("quick", "quick")):
        assert said in text_of(await play(dataclasses.replace(spec("scripted:effort"), effort=effort)))


def built(model: str, monkeypatch: pytest.MonkeyPatch, **parameters: Any) -> Any:
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    return runtime_models._build(model, parameters)


def test_build_the_model_in_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    chat = built("openai-chat:gpt-5.4", monkeypatch, temperature=0.4, max_tokens=100, reasoning_effort="high")
    assert (chat.temperature, chat.max_completion_tokens, chat.max_tokens, chat.reasoning_effort) == (0.4, 100, None, "high")
    responses = built("openai-responses:gpt-5.4", monkeypatch, max_tokens=100)
    assert responses.max_output_tokens == 100


def test_think_with_no_temperature_of_their_own() -> None:
    agent = AgentSpec("a", "A", "anthropic:claude-sonnet-5-5", model_options={"temperature": 0.4, "max_tokens": 10}, effort="thorough")
    assert set(building.parameters(agent)) == {"thinking", "max_tokens"}
    assert building.parameters(dataclasses.replace(agent, effort="")) == {"temperature": 0.4, "max_tokens": 10}


class TestParts:
    def test_are_kept_as_they_are(self) -> None:
        given = {"choices": ["scripted:echo"], "effort_choice": True, "model_options": {"temperature": 0.5, "max_tokens": 200}}
        assert given.items() <= checked(given).items()
        assert checked({"model_options": {"temperature": 1}})["model_options"] == {"temperature": 1.0}

    @pytest.mark.parametrize(
        ("part", "value"),
        [
            ("choices", [f"scripted:{number}x0" for number in range(11)]),
            ("choices", "scripted:echo"),
            ("effort_choice", "yes"),
            ("model_options", {"temperature": 3}),
            ("model_options", {"temperature": "hot"}),
            ("model_options", {"max_tokens": 0}),
            ("model_options", {"top_p": 1}),
            ("model_options", []),
        ],
    )
    def test_are_refused_with_a_sentence(self, part: str, value: Any) -> None:
        with pytest.raises(InvalidBlueprint) as refused:
            checked({part: value})
        assert set(refused.value.errors) == {part}

    @pytest.mark.django_db
    def test_name_models_that_there_can_be(self) -> None:
        ready = checked({"name": "A", "model": "scripted:echo", "choices": ["nobody:x"]})
        assert set(blueprint.objections_to_parts(ready, None)) == {"choices"}
