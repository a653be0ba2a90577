"""The form of an agent: models as suggestions, tools as check boxes, capabilities one a line. No JSON is typed by hand."""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from agentos.access.models import Plan
from agentos.agents.blueprint import CAPABILITIES, CAPABILITY_LENGTH, CHOICES, FALLBACKS, MODEL_LENGTH, Blueprint, ModelOptions
from agentos.agents.models import STARTER_LENGTH, STARTERS, DjangoAgent
from agentos.agents.providers import PROVIDERS, ModelChoice, availability, model_choices, split
from agentos.agents.queries import agents_for_plans
from agentos.agents.tools import described, tool_choices


class SuggestingInput(forms.TextInput):
    """A text field that offers choices and takes anything else as well."""

    def __init__(self, choices: Callable[[], list[ModelChoice]], attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs)
        self.suggestions = choices

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        list_id = f"{(attrs or {}).get('id', name)}_choices"
        field = super().render(name, value, {**(attrs or {}), "list": list_id}, renderer)
        options = format_html_join("", '<option value="{}">{}</option>', ((choice.model, choice.label) for choice in self.suggestions()))
        return format_html('{}<datalist id="{}">{}</datalist>', field, list_id, options)


class LinesField(forms.CharField):
    """A list of short texts, one a line: at most ``most`` of them, each of at most ``length`` characters."""

    widget = forms.Textarea(attrs={"rows": 4, "cols": 40})

    def __init__(self, *, most: int, length: int, **options: Any) -> None:
        super().__init__(**options)
        self.most, self.length = most, length

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> Any:
        lines = [" ".join(line.split()) for line in (super().to_python(value) or "").splitlines()]
        return list(dict.fromkeys(line for line in lines if line))

    def validate(self, value: list[str]) -> None:
        if len(value) > self.most:
            msg = f"At most {self.most} lines."
            raise forms.ValidationError(msg)
        too_long = [line for line in value if len(line) > self.length]
        if too_long:
            msg = f"A line has at most {self.length} characters: {too_long[0][: self.length]}..."
            raise forms.ValidationError(msg)

    def run_validators(self, value: Any) -> None:
        """Do nothing: CharField's validators are for a text, and ``validate`` has seen the lines."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(list(initial or []) != self.to_python(data))


def described_tools(chosen: Iterable[str] = ()) -> list[tuple[str, str]]:
    """Return what can be chosen; of what is ``chosen`` already also what cannot be called now, so that nobody loses it by saving."""
    offered = {tool.slug: tool for tool in (*tool_choices(None), *described(list(chosen)))}
    return [(tool.slug, f"{tool.label}: {tool.description}") for tool in offered.values()]


class AgentForm(forms.ModelForm):  # type: ignore[type-arg]
    kind = forms.ChoiceField(
        choices=[(kind.value, kind.label) for kind in DjangoAgent.Kind if kind != DjangoAgent.Kind.CODE],
        initial=DjangoAgent.Kind.AGENT,
        required=False,
        help_text=_("A team and steps have members, below. Of steps, each answers with its own model; the one here names the chats."),
    )
    mode = forms.ChoiceField(choices=DjangoAgent.Mode.choices, required=False, help_text=_("How a team works together."))
    model = forms.CharField(
        max_length=120,
        widget=SuggestingInput(model_choices, attrs={"size": 50}),
        help_text=_("provider:model_id, for example openai:gpt-5.4. The list offers what can be used now."),
    )
    fallbacks = LinesField(
        most=FALLBACKS,
        length=120,
        required=False,
        help_text=_("Models that answer, in their order, while the one before cannot be reached or used. One a line."),
    )
    choices = LinesField(
        most=CHOICES, length=120, required=False, help_text=_("Models that members may choose in the place of that one. One a line.")
    )
    temperature = forms.FloatField(min_value=0, max_value=2, required=False, help_text=_("0 to 2. Empty: as the provider has it."))
    max_tokens = forms.IntegerField(
        label=_("Longest answer, in tokens"),
        min_value=1,
        max_value=1_000_000,
        required=False,
        help_text=_("Of one request. Empty: as the provider has it."),
    )
    tools = forms.MultipleChoiceField(choices=described_tools, widget=forms.CheckboxSelectMultiple({"class": "radiolist"}), required=False)
    capabilities = LinesField(
        most=CAPABILITIES,
        length=CAPABILITY_LENGTH,
        required=False,
        help_text=_("One a line, for example: Summaries. Members see and search them."),
    )
    starters = LinesField(
        most=STARTERS,
        length=STARTER_LENGTH,
        required=False,
        help_text=format_lazy(_("Up to {most} first messages, one a line, that an empty chat offers. One click sends one."), most=STARTERS),
    )

    class Meta:
        model = DjangoAgent
        fields = (
            "agent_id",
            "name",
            "kind",
            "mode",
            "description",
            "instructions",
            "model",
            "fallbacks",
            "choices",
            "effort_choice",
            "tools",
            "capabilities",
            "starters",
            "is_global",
            "team",
            "plans",
            "is_active",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "tools" in self.fields:  # not of an agent in code, whose tools can only be read
            self.fields["tools"].choices = described_tools(self.instance.tools)  # type: ignore[attr-defined]

        for name in self.fields.keys() & ModelOptions.model_fields.keys():
            self.fields[name].initial = self.instance.model_options.get(name)

    def clean(self) -> dict[str, Any]:
        """The settings of the model are fields of their own."""
        found: dict[str, Any] = super().clean() or self.cleaned_data
        names = self.fields.keys() & ModelOptions.model_fields.keys()
        if names:
            others = {name: value for name, value in self.instance.model_options.items() if name not in names}
            self.instance.model_options = {**others, **{name: found[name] for name in sorted(names) if found.get(name) is not None}}
        return found

    def clean_kind(self) -> str:
        return str(self.cleaned_data.get("kind") or self.instance.kind)

    def clean_mode(self) -> str:
        return str(self.cleaned_data.get("mode") or self.instance.mode)

    def clean_model(self) -> str:
        model: str = self.cleaned_data["model"].strip()
        check_model(model)
        return model

    def clean_fallbacks(self) -> list[str]:
        return self._models("fallbacks")

    def clean_choices(self) -> list[str]:
        return self._models("choices")

    def _models(self, name: str) -> list[str]:
        models: list[str] = self.cleaned_data[name]
        for model in models:
            check_model(model)
        return [model for model in models if model != self.cleaned_data.get("model")]


def check_model(model: str) -> None:
    """Raise ValidationError for the name of a model that nobody serves."""
    slug, model_id = split(model)
    if slug not in PROVIDERS or not model_id.strip():
        raise forms.ValidationError(availability(model).reason)


def warnings_about(blueprint: Blueprint, *, tell_why: bool = True) -> list[str]:
    """Return what should be known of a model that may be chosen all the same. ``tell_why``: to an operator."""
    model, kind, found = blueprint["model"], blueprint["kind"], []
    if kind == DjangoAgent.Kind.STEPS:
        return []  # each answers with its own
    state = availability(model)
    if not state.ok:
        found.append(f"The model {model} cannot be used now. {state.reason if tell_why else 'Ask your administrator.'}")
    slug, _ = split(model)
    if slug not in PROVIDERS or PROVIDERS[slug].tools:
        return found
    if kind == DjangoAgent.Kind.TEAM:
        found.append(f"The model {model} cannot use tools, and so cannot lead a team.")
    elif blueprint["tools"]:
        found.append(f"The model {model} cannot use tools: the agent answers without them.")
    return found


class DollarsField(forms.DecimalField):
    """An amount of dollars, with digits after the cents."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            min_value=0,
            max_value=100_000,
            max_digits=12,
            decimal_places=4,
            widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
            error_messages={
                "required": _("Say how many dollars; 0 where it costs nothing."),
                "invalid": _("Enter a number of dollars."),
                "min_value": _("Enter 0 or more."),
            },
            **options,
        )


class PriceForm(forms.Form):
    """What a model costs here, in dollars for a million tokens."""

    model = forms.CharField(
        label=_("Model"),
        max_length=MODEL_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "placeholder": _("provider:model")}),
        error_messages={"required": _("Say which model, as provider:model.")},
    )
    read = DollarsField(label=_("A million tokens read, in dollars"))
    written = DollarsField(label=_("A million tokens written, in dollars"))
    cached = DollarsField(
        label=_("A million tokens read from its cache, in dollars"), help_text=_("Empty: as much as the others."), required=False
    )

    def clean_model(self) -> str:
        model: str = self.cleaned_data["model"].strip()
        slug, model_id = split(model)
        if slug not in PROVIDERS or not model_id:
            raise forms.ValidationError(_("Write it as provider:model, with a provider of this page."))
        return model


class PlanForm(forms.ModelForm):  # type: ignore[type-arg]
    """A plan as operators write it: its quotas, its price in words, and the agents that it opens."""

    agents: Any = forms.ModelMultipleChoiceField(
        label=_("Agents that it opens"), queryset=None, required=False, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = Plan
        fields = ("name", "description", "price_text", "runs_a_day", "tokens_a_month", "concurrent_runs", "files_mb")
        labels: ClassVar[Any] = {
            "name": _("Name"),
            "description": _("What it is for"),
            "price_text": _("Price in words"),
            "runs_a_day": _("Answers a day"),
            "tokens_a_month": _("Tokens a month"),
            "concurrent_runs": _("Answers at once"),
            "files_mb": _("MB of files"),
        }
        help_texts: ClassVar[Any] = {
            "price_text": _("Shown beside the plan: what it costs where it is not paid here, or how to get it."),
            "runs_a_day": _("The most that one person may start. Leave empty for no limit. With several plans, the highest counts."),
            "tokens_a_month": _("Read and written by models for one person's answers. Leave empty for no limit."),
            "concurrent_runs": _("Of one person, waiting or being written. Leave empty for no limit."),
            "files_mb": _(
                "The most that one person may keep. Leave empty for what everybody may keep, which is the least that a plan gives."
            ),
        }
        widgets: ClassVar[Any] = {
            **{name: forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"}) for name in ("name", "description", "price_text")},
            **{
                name: forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"})
                for name in ("runs_a_day", "tokens_a_month", "concurrent_runs", "files_mb")
            },
        }
        error_messages: ClassVar[Any] = {
            "name": {"required": _("Give the plan a name."), "unique": _("There is a plan with this name already.")}
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["agents"].queryset = agents_for_plans()  # type: ignore[attr-defined]
        if self.instance.pk:
            self.fields["agents"].initial = list(self.instance.agents.values_list("pk", flat=True))

    @property
    def plain_fields(self) -> list[forms.BoundField]:
        """All but the agents."""
        return [field for field in self.visible_fields() if field.name != "agents"]
