"""The catalogue: an agent is data, and a fresh Agno agent is built from it for every run."""

from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

from agentos.access import adapters
from agentos.access.models import Plan, Team
from agentos.access.users import User
from agentos.core import clock
from agentos.core.security.invisible import visible
from agentos.core.text import shorten

MEMBERS = 10  # of a team
TASK_LENGTH = 300  # characters
STARTERS = 4
STARTER_LENGTH = 200  # characters
NOTE_LENGTH = 300  # characters
CRITERION_LENGTH = 500  # characters


def check_starters(value: Any) -> None:
    """Raise ValidationError for what is no list of a few short texts."""
    if not isinstance(value, list) or not all(isinstance(text, str) and text.strip() for text in value):
        msg = "Starters are a list of texts."
        raise ValidationError(msg)
    if len(value) > STARTERS:
        msg = f"At most {STARTERS} starters."
        raise ValidationError(msg)
    if any(len(text) > STARTER_LENGTH for text in value):
        msg = f"A starter has at most {STARTER_LENGTH} characters."
        raise ValidationError(msg)


class DjangoAgentQuerySet(models.QuerySet["DjangoAgent"]):
    def usable_by(self, user: User) -> "DjangoAgentQuerySet":
        """The one rule of who may use what: neither the user nor the agent is switched off, and ``access.adapters`` lets them."""
        if adapters.is_default_rule():
            return self.usable_by_default(user.pk)
        # Its answer is only looked at, never handed on: it can let nobody use what is switched off, and lists nothing twice.
        usable = adapters.access().usable_agents(user, DjangoAgent.objects.filter(is_active=True, owner=None))
        return self.switched_on(user.pk).filter(models.Q(owner=None, pk__in=usable.order_by().values("pk")) | adapters.personal(user.pk))

    def usable_by_default(self, user_pk: int, at: datetime | None = None) -> "DjangoAgentQuerySet":
        return adapters.by_team_and_plan(user_pk, self.switched_on(user_pk), at)

    def switched_on(self, user_pk: int) -> "DjangoAgentQuerySet":
        """Asked of the database, since the caller may hold a user that has been suspended meanwhile."""
        return self.filter(models.Exists(User.objects.filter(pk=user_pk, is_active=True)), is_active=True)


class DjangoAgent(models.Model):
    """An agent of the catalogue. ``model`` is ``provider:model_id``; ``tools`` are slugs of the allow-list.

    ``roster`` has the members of a team, or of steps. ``owner``: whose personal agent it is; nobody else may use it, and ``team`` is then
    the one that lets them have it (``agents.personal``). ``source``: of an agent in code, the module that has it; empty once no module has
    it any more.
    """

    class Kind(models.TextChoices):
        AGENT = "agent", "Agent"
        TEAM = "team", "Team of agents"
        STEPS = "steps", "Agents one after the other"
        CODE = "code", "In code"

    agent_id = models.CharField(
        max_length=64,
        unique=True,
        validators=[RegexValidator(r"^[a-z0-9][a-z0-9_-]*$", "Small letters, digits, - and _ only.")],
        help_text="Stands in URLs and in JSON, for example support-writer.",
    )

    class Mode(models.TextChoices):
        COORDINATE = "coordinate", "Coordinate: the team's model gives tasks to members and writes the answer"
        ROUTE = "route", "Route: the team's model picks one member, whose answer is the answer"
        BROADCAST = "broadcast", "Broadcast: every member gets the task, and the team's model sums up"

    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.AGENT)
    mode = models.CharField(max_length=12, choices=Mode.choices, default=Mode.COORDINATE, help_text="How a team works together.")
    source = models.CharField(max_length=200, blank=True, editable=False)
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=300, blank=True)
    instructions = models.TextField(blank=True, max_length=20_000, help_text="The system prompt. Members never see it.")
    model = models.CharField(max_length=120, help_text="provider:model_id, for example openai:gpt-5.4")
    fallbacks = models.JSONField(
        default=list, blank=True, help_text="Models that answer, in their order, while the one before cannot be reached or used."
    )
    choices = models.JSONField(default=list, blank=True, help_text="Models that members may choose in the place of its own.")
    effort_choice = models.BooleanField(
        "effort can be chosen", default=False, help_text="Members choose between quick, normal and thorough, where the model knows that."
    )
    model_options = models.JSONField(default=dict, blank=True, help_text="Settings of the model: temperature, max_tokens.")
    tools = models.JSONField(default=list, blank=True)
    tool_policies = models.JSONField(
        default=dict, blank=True, help_text="By the tool's slug: ask or auto, where it is not the tool's own policy."
    )
    tool_options = models.JSONField(default=dict, blank=True, help_text="By the tool's slug: its options.")
    skills = models.JSONField(default=list, blank=True, help_text="Names of skills, as agentos.skills has them.")
    bases = models.JSONField(default=list, blank=True, help_text="Names of knowledge bases, as agentos.knowledge has them.")
    capabilities = models.JSONField(default=list, blank=True)
    starters = models.JSONField(
        default=list, blank=True, validators=[check_starters], help_text="First messages that an empty chat offers."
    )
    is_global = models.BooleanField("for everyone", default=False, help_text="Every signed-in user may use it.")
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.SET_NULL, related_name="agents")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, editable=False, on_delete=models.CASCADE, related_name="personal_agents"
    )
    plans = models.ManyToManyField(Plan, blank=True, related_name="agents")
    is_active = models.BooleanField("active", default=True, help_text="Off: nobody may use it; its chats stay readable.")
    version = models.PositiveIntegerField(default=1, editable=False, help_text="The version that is used. 0: none was published.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[Any] = DjangoAgentQuerySet.as_manager()

    MADE_OF_AGENTS: ClassVar[frozenset[str]] = frozenset({Kind.TEAM, Kind.STEPS})

    ASKS_A_MODEL: ClassVar[frozenset[str]] = frozenset({Kind.AGENT, Kind.TEAM})

    class Meta:
        ordering = ("name", "pk")
        verbose_name = "agent"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(is_active=False) | models.Q(version__gte=1),
                name="agent_is_published_first",
                violation_error_message="Publish it first: until then nobody can use it.",
            ),
            models.CheckConstraint(
                condition=models.Q(owner=None) | models.Q(is_global=False),
                name="personal_agent_is_not_for_all",
                violation_error_message="It is somebody's personal agent.",
            ),
        )

    def __str__(self) -> str:
        return visible(self.name)

    def clean(self) -> None:
        """Raise ValidationError for a kind that does not go with who is a member of whom."""
        if self._state.adding:
            return
        if self.kind in self.MADE_OF_AGENTS and (works_in := self.works_in.select_related("team").first()):
            raise ValidationError({"kind": f"It is a member of {works_in.team}, and a team cannot be in another one."})
        if self.kind not in self.MADE_OF_AGENTS and self.roster.exists():
            raise ValidationError({"kind": "It has members. Take them out first."})

    @property
    def models_to_choose(self) -> list[str]:
        """Its own, and what members may choose in its place."""
        return [self.model, *(self.choices if self.kind in self.ASKS_A_MODEL else ())]

    @property
    def models_in_order(self) -> list[str]:
        """Its model, and those that stand in for it."""
        return [self.model, *self.fallbacks]


class AgentDraft(models.Model):
    """What is worked on and not published yet: one for each agent, whoever works on it.

    ``revision`` counts every change, so that who saves over what somebody else has saved meanwhile is told.
    """

    agent = models.OneToOneField(DjangoAgent, on_delete=models.CASCADE, primary_key=True, related_name="draft")
    blueprint = models.JSONField(null=True, help_text="As agents.blueprint has it. None: nothing waits to be published.")
    revision = models.PositiveIntegerField(default=0)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    updated_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"Draft of {self.agent}"


class AgentVersion(models.Model):
    """A blueprint as it was published. ``DjangoAgent`` has that of the newest one in its own columns."""

    agent = models.ForeignKey(
        DjangoAgent, on_delete=models.CASCADE, related_name="published_versions", db_index=False
    )  # the constraint serves
    number = models.PositiveIntegerField(help_text="1, 2, 3 … of each agent.")
    blueprint = models.JSONField()
    note = models.CharField(max_length=NOTE_LENGTH, blank=True, help_text="What is new, in the words of who published it.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ("-number",)
        constraints = (models.UniqueConstraint(fields=("agent", "number"), name="agent_version_once"),)

    def __str__(self) -> str:
        return f"{self.agent}, version {self.number}"


class TeamMember(models.Model):
    """An agent takes part in a team, or is a step; ``position`` counts from 1. ``task``: what it is to do, which the leader is told."""

    team = models.ForeignKey(DjangoAgent, on_delete=models.CASCADE, related_name="roster")
    agent = models.ForeignKey(DjangoAgent, on_delete=models.PROTECT, related_name="works_in")
    position = models.PositiveSmallIntegerField(default=1)
    task = models.CharField(max_length=TASK_LENGTH, blank=True, help_text="What it is there for, for example: Checks the figures.")

    class Meta:
        ordering = ("position", "pk")
        verbose_name = "member"

    def __str__(self) -> str:
        return f"{self.agent} in {self.team}"

    def clean(self) -> None:
        """Raise ValidationError for an agent that cannot take part."""
        if not self.agent_id:
            return
        if self.agent_id == self.team_id:
            raise ValidationError({"agent": "A team cannot be a member of itself."})
        if self.agent.kind in DjangoAgent.MADE_OF_AGENTS:
            raise ValidationError({"agent": f"{self.agent} is made of agents itself, and a team cannot be in another one."})
        if self.agent.kind == DjangoAgent.Kind.CODE:
            raise ValidationError({"agent": f"{self.agent} is written in code. Make its team there, too."})


class AgentPin(models.Model):
    """Somebody keeps an agent at the top of their lists."""

    agent = models.ForeignKey(DjangoAgent, on_delete=models.CASCADE, related_name="+", db_index=False)  # the constraint serves
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = (models.UniqueConstraint(fields=("agent", "user"), name="agent_pin_once"),)

    def __str__(self) -> str:
        return f"{self.user} keeps {self.agent} at the top"


class OwnPrice(models.Model):
    """What a model costs by the word of whoever runs the site, in dollars for a million tokens: it counts before any other price."""

    model = models.CharField(max_length=120, unique=True, help_text="As provider:model.")
    read = models.DecimalField(max_digits=12, decimal_places=4)
    cached = models.DecimalField(
        max_digits=12, decimal_places=4, null=True, blank=True, help_text="Of what is read. Empty: like all of it."
    )
    written = models.DecimalField(max_digits=12, decimal_places=4)
    updated_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ("model",)

    def __str__(self) -> str:
        return visible(self.model)


class AccessRequest(models.Model):
    """Somebody asks for an agent that they may not use. It is gone once it is decided; the audit remembers it."""

    agent = models.ForeignKey(
        DjangoAgent, on_delete=models.CASCADE, related_name="access_requests", db_index=False
    )  # the constraint serves
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ("created_at", "pk")
        constraints = (models.UniqueConstraint(fields=("agent", "user"), name="access_request_once"),)

    def __str__(self) -> str:
        return f"{self.user} asks for {self.agent}"


class AgentCase(models.Model):
    """A test of an agent: a message, and what is expected of its answer (agents/cases.py).

    ``revision`` counts changes: a result of an earlier one says nothing any more.
    """

    agent = models.ForeignKey(DjangoAgent, on_delete=models.CASCADE, related_name="cases")
    message = models.TextField()
    must_say = models.JSONField(default=list, help_text="Texts that stand in the answer, capitals or not.")
    must_not_say = models.JSONField(default=list, help_text="Texts that do not.")
    tools = models.JSONField(default=list, help_text="Tools that are called: their slugs, or the names of their functions.")
    criterion = models.CharField(max_length=CRITERION_LENGTH, blank=True, help_text="What the agent's model judges.")
    kept_answer = models.TextField(blank=True, help_text="The answer from which it was kept as a test.")
    revision = models.PositiveIntegerField(default=1)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ("pk",)
        verbose_name = "test"

    def __str__(self) -> str:
        return visible(shorten(self.message, 80))


class CaseRound(models.Model):
    """All tests of an agent, answered once by one blueprint. ``version``: the one that was tested; None: the draft.

    ``digest`` is that of what answers (``cases.digest``): results count for whatever is made of the same, until what is around it changes
    (``case_queries.around``; None: of before that was noted). Its driver promises a sign of
    life before ``lease_until``; a round that is still running after that was broken off.
    """

    class Status(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        STOPPED = "stopped", "Stopped"
        INTERRUPTED = "interrupted", "Broken off"

    agent = models.ForeignKey(DjangoAgent, on_delete=models.CASCADE, related_name="rounds", db_index=False)  # round_of_agent serves
    version = models.PositiveIntegerField(null=True)
    blueprint = models.JSONField()
    digest = models.CharField(max_length=64)
    around = models.JSONField(null=True)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.RUNNING)
    reason = models.CharField(max_length=500, blank=True, help_text="Why it ended before its last test.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    finished_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField()

    class Meta:
        ordering = ("-pk",)
        indexes = (models.Index(fields=("agent", "-id"), name="round_of_agent"),)

    def __str__(self) -> str:
        return f"{self.agent}, tests of {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def state(self) -> str:
        """Its status; where its driver has died, that it was broken off."""
        is_dead = self.status == self.Status.RUNNING and self.lease_until <= clock.now()
        return self.Status.INTERRUPTED if is_dead else self.status

    @property
    def is_running(self) -> bool:
        return self.state == self.Status.RUNNING


class CaseResult(models.Model):
    """How one test went in one round. ``findings``: each expectation with whether it was met (``cases.Finding``)."""

    class Outcome(models.TextChoices):
        WAITING = "", "Not run"
        RUNNING = "running", "Running"
        PASSED = "passed", "Passed"
        FAILED = "failed", "Failed"
        UNCLEAR = "unclear", "Could not judge"
        NO_ANSWER = "no_answer", "No answer"

    RED = (Outcome.FAILED, Outcome.NO_ANSWER)

    round = models.ForeignKey(CaseRound, on_delete=models.CASCADE, related_name="results", db_index=False)  # the constraint serves
    case = models.ForeignKey(AgentCase, on_delete=models.CASCADE, related_name="results")
    revision = models.PositiveIntegerField(help_text="Of the test, as it was run.")
    outcome = models.CharField(max_length=12, choices=Outcome.choices, blank=True, default=Outcome.WAITING)
    findings = models.JSONField(default=list)
    answer = models.TextField(blank=True)
    tools = models.JSONField(default=list, help_text="Names of the functions that were called.")
    refused = models.JSONField(default=list, help_text="Names of those that asked for approval, which nobody gave.")
    error = models.CharField(max_length=500, blank=True, help_text="Why there is no answer.")
    tokens = models.PositiveIntegerField(default=0)
    seconds = models.FloatField(null=True)

    class Meta:
        ordering = ("pk",)
        constraints = (models.UniqueConstraint(fields=("round", "case"), name="case_result_once"),)

    def __str__(self) -> str:
        return f"{self.case}: {self.get_outcome_display()}"
