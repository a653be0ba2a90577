"""A chat: sessions, their runs (a turn is one run: the message and its answer), and the runs' journal.

    queued -> running -> completed | failed | interrupted | stopped
                 |  ^
                 v  |  (a person has answered)
               waiting -> stopped

At most one run of a session is running or waiting (a partial unique index); later messages are queued.

Runs with the same session, turn and ``follows`` are versions of each other: an edit makes another message (``edition``), a retry another
answer to it (``version``). One of them is shown at a time, with what came after it; the others are hidden (chat/actions/versions.py).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from agentos.agents.models import DjangoAgent
from agentos.chat.usage_models import Budget, MonthlyUsage, Usage  # noqa: F401 - Django looks for models here
from agentos.core import clock, ids
from agentos.core.db.literals import one_of
from agentos.core.security.invisible import visible
from agentos.core.text import folded
from agentos.files.models import Attachment

MESSAGE_LIMIT = 32_000  # characters
# A run from which all that was said is erased.
TEXTLESS: Mapping[str, Any] = MappingProxyType(
    {
        **dict.fromkeys(("input", "answer", "searchable"), ""),
        **{name: kind() for name, kind in (("context", dict), ("options", dict))},
        **{name: [] for name in ("parts", "requirements", "answers", "messages")},
        "agno_output": None,
        "file_count": 0,
    }
)
TITLE_LIMIT = 200  # characters
AUTO_TITLE_LIMIT = 60  # characters, of a title that nobody has given


class ChatSession(models.Model):
    """A conversation of one user with one agent.

    ``revision`` counts every change that a live tab has to hear of; each run keeps the revision of its own last change. Up to the turn
    ``forked_at_turn`` it is a copy: of another chat, or of one that was imported. Those turns have asked no model.
    """

    class TitledBy(models.TextChoices):
        """Whose title it has. At first the message's, for the time being."""

        NOBODY = "", "Nobody yet"
        MESSAGE = "message", "Its first words, for good"
        MODEL = "model", "The model of its agent"
        PERSON = "person", "A person"

    class Unseen(models.TextChoices):
        """What has come since its owner looked at it last."""

        NOTHING = "", "Nothing"
        ANSWER = "answer", "An answer, or a question"
        FAILURE = "failure", "A failure"

    session_id = models.CharField(max_length=40, unique=True, default=ids.new_session_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="chat_sessions")
    agent = models.ForeignKey(DjangoAgent, on_delete=models.RESTRICT, related_name="chat_sessions")
    title = models.CharField(max_length=TITLE_LIMIT, blank=True)
    titled_by = models.CharField(max_length=8, choices=TitledBy.choices, blank=True, default=TitledBy.NOBODY, editable=False)
    searchable = models.TextField(blank=True, default="", editable=False, help_text="The title as it is searched.")
    is_pinned = models.BooleanField("pinned", default=False)
    is_archived = models.BooleanField("archived", default=False)
    model = models.CharField(max_length=120, blank=True, default="", help_text="Chosen last in this chat. Empty: the agent's own.")
    effort = models.CharField(max_length=8, blank=True, default="", help_text="Chosen last in this chat. Empty: normal.")
    bases = models.JSONField(default=list, blank=True, help_text="Keys of knowledge bases that its user has brought.")
    approved_tools = models.JSONField(default=list, blank=True, help_text="Names of functions that its owner has approved for this chat.")
    forked_from = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="forks", db_index=False)
    forked_at_turn = models.PositiveIntegerField(null=True, blank=True)
    imported_as = models.CharField(max_length=80, blank=True, default="", editable=False, help_text="Where it was imported from.")
    fork_count = models.PositiveIntegerField("forks", default=0)
    revision = models.PositiveBigIntegerField(default=0)
    unseen = models.CharField(max_length=8, choices=Unseen.choices, blank=True, default=Unseen.NOTHING, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField("last activity", default=clock.now)
    deleted_at = models.DateTimeField(null=True, blank=True, help_text="Set by its owner's Delete; erased for good an hour later.")
    is_ephemeral = models.BooleanField("ephemeral", default=False, help_text="Holds one run, is shown nowhere, keeps no text.")
    given_history = models.JSONField(default=list, blank=True, help_text="Earlier messages, as the caller who opened it gave them.")
    erased_at = models.DateTimeField(null=True, blank=True, help_text="When the texts of an ephemeral run were erased.")

    class Meta:
        ordering = ("-updated_at", "-pk")
        indexes = (
            models.Index(fields=("user", "-updated_at", "-id"), name="session_of_user", condition=models.Q(is_ephemeral=False)),
            models.Index(fields=("updated_at",), name="session_to_erase", condition=models.Q(is_ephemeral=True, erased_at__isnull=True)),
            models.Index(fields=("deleted_at",), name="session_deleted", condition=models.Q(deleted_at__isnull=False)),
            models.Index(fields=("forked_from",), name="session_fork", condition=models.Q(forked_from__isnull=False)),
        )
        constraints: ClassVar[Any] = (
            models.UniqueConstraint(fields=("user", "imported_as"), condition=~models.Q(imported_as=""), name="imported_once"),
        )

    def __str__(self) -> str:
        return visible(self.title_or_new)

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self._state.adding:
            self.searchable = folded(self.title)
        super().save(*args, **kwargs)

    @property
    def title_or_new(self) -> str:
        return self.title or "New chat"


class Run(models.Model):
    """One turn. ``parts`` is the answer as it is shown: text, reasoning and tool calls in their order (chat/live/parts.py)."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        WAITING = "waiting", "Waiting for approval"
        COMPLETED = "completed", "Completed"
        FAILED = "failed", "Failed"
        INTERRUPTED = "interrupted", "Interrupted"
        STOPPED = "stopped", "Stopped"

    ACTIVE = (Status.RUNNING, Status.WAITING)
    OPEN = (Status.QUEUED, Status.RUNNING, Status.WAITING)
    BROKEN_OFF = (Status.FAILED, Status.INTERRUPTED, Status.STOPPED)
    ENDED = (Status.COMPLETED, Status.FAILED, Status.INTERRUPTED, Status.STOPPED)

    run_id = models.CharField(max_length=40, unique=True, default=ids.new_run_id, editable=False)
    session = models.ForeignKey(ChatSession, on_delete=models.CASCADE, related_name="runs", db_index=False)  # run_of_session serves
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="runs", db_index=False)  # run_of_user serves
    turn = models.PositiveIntegerField(help_text="1 for the first message of the session; a retry keeps its turn.")
    input = models.TextField("message")
    file_count = models.PositiveSmallIntegerField("files", default=0, help_text="Of message and answer: RunFile rows.")
    context = models.JSONField(default=dict, blank=True, help_text="What an API caller added to the message.")
    options = models.JSONField(default=dict, blank=True, help_text="What a client of OpenAI's protocol asked for with the message.")
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.QUEUED)
    is_hidden = models.BooleanField(default=False, help_text="Another version is shown in its place, or it was withdrawn or erased.")
    follows = models.PositiveBigIntegerField(null=True, blank=True, help_text="Key of the run that was the last one when this was sent.")
    edition = models.PositiveSmallIntegerField(default=1, help_text="Which version of the message: an edit makes one.")
    editions = models.PositiveSmallIntegerField(default=1, help_text="How many versions of the message there are.")
    version = models.PositiveSmallIntegerField(default=1, help_text="Which answer to this message; 0: withdrawn or erased.")
    versions = models.PositiveSmallIntegerField(default=1, help_text="How many answers to this message there are.")
    retry_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="retries", db_index=False)
    continues = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="continuations", db_index=False)
    model = models.CharField(max_length=120, blank=True, help_text="The model that answers.")
    chosen_model = models.CharField(max_length=120, blank=True, default="", help_text="What its user chose. Empty: the agent's own.")
    effort = models.CharField(max_length=8, blank=True, default="", help_text="quick or thorough, where that was chosen. Empty: normal.")
    instead_of = models.CharField(max_length=120, blank=True, help_text="The agent's model, where that could not be used.")
    revision = models.PositiveBigIntegerField(default=0)
    attempt = models.PositiveIntegerField(default=0, help_text="Counted up by whoever drives it: a stale driver writes nothing.")
    lease_until = models.DateTimeField(null=True, blank=True, help_text="Its driver promises a sign of life before then.")
    last_seq = models.PositiveIntegerField(default=0)
    parts = models.JSONField(default=list, blank=True)
    answer = models.TextField(blank=True)
    searchable = models.TextField(blank=True, default="", editable=False, help_text="Message and answer as they are searched.")
    error_code = models.CharField(max_length=32, blank=True)
    cut = models.CharField(max_length=16, blank=True, help_text="Why a completed answer is not whole: length, content_filter, unfinished.")
    waits_seconds = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Its model is busy, and asked again after so long.")
    requirements = models.JSONField(default=list, blank=True, help_text="What a waiting run asks for.")
    answers = models.JSONField(default=list, blank=True, help_text="What people answered to what it asked for.")
    messages = models.JSONField(default=list, blank=True, help_text="Agno's messages of this turn, for the history of later turns.")
    agno_output = models.JSONField(null=True, blank=True, help_text="Agno's paused run, while this one is waiting.")
    agent_version = models.PositiveIntegerField(null=True, blank=True, help_text="Of its agent, the one that answered. None: a draft did.")
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    cached_tokens = models.PositiveIntegerField(default=0, help_text="Of those that were read.")
    reasoning_tokens = models.PositiveIntegerField(default=0, help_text="Of those that were written.")
    cost_micro = models.PositiveBigIntegerField(null=True, blank=True, help_text="Millionths of the currency. None: not known.")
    currency = models.CharField(max_length=3, blank=True, default="")
    price_source = models.CharField(max_length=8, blank=True, default="", help_text="Who says so: provider, list, free, own.")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    first_token_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("session", "turn", "pk")
        indexes = (
            models.Index(fields=("session", "turn"), name="run_of_session"),
            models.Index(
                fields=("status", "lease_until"), name="run_open", condition=models.Q(status__in=("queued", "running", "waiting"))
            ),
            models.Index(fields=("by", "-created_at"), name="run_of_user"),
            models.Index(fields=("retry_of",), name="run_retry", condition=models.Q(retry_of__isnull=False)),
            models.Index(fields=("continues",), name="run_continuation", condition=models.Q(continues__isnull=False)),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("session",), condition=models.Q(status__in=("running", "waiting")), name="one_active_run_a_session"
            ),
        )

    def __str__(self) -> str:
        return self.run_id

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self._state.adding:
            self.searchable = searchable_text(self.input, self.answer)
        super().save(*args, **kwargs)

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN

    @property
    def is_active(self) -> bool:
        return self.status in self.ACTIVE

    @property
    def is_broken_off(self) -> bool:
        """Whether it has ended before its answer did."""
        return self.status in self.BROKEN_OFF or bool(self.cut)

    @property
    def seconds(self) -> float | None:
        """How long the answer took, once it has ended."""
        if self.started_at and self.finished_at:
            return (self.finished_at - self.started_at).total_seconds()
        return None


def searchable_text(message: str, answer: str) -> str:
    """Return what search looks through of a turn. Whoever writes a message or an answer past ``Run.save`` writes this, too."""
    return f"{folded(message)}\n{folded(answer)}"


IS_OPEN = one_of("status", Run.OPEN)  # the condition of run_open, for queries that must not read the runs that have ended


class RunFile(models.Model):
    """A file of a run: of its message, or of its answer. Copies of a message (a retry, an edit, a fork) have the same files.

    ``position`` counts those of one origin from 0.
    """

    class Origin(models.TextChoices):
        PERSON = "person", "The person: it belongs to the message"
        MODEL = "model", "The model: it belongs to the answer"
        TOOL = "tool", "A tool: it belongs to the answer"

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="files", db_index=False)  # run_file_once serves
    attachment = models.ForeignKey(Attachment, on_delete=models.CASCADE, related_name="places")
    origin = models.CharField(max_length=6, choices=Origin.choices)
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ("run", "origin", "position")
        constraints = (models.UniqueConstraint(fields=("run", "origin", "position"), name="run_file_once"),)

    def __str__(self) -> str:
        return f"{self.attachment_id} of {self.run_id}"


class RunEvent(models.Model):
    """A line of a run's journal, written before anybody is shown it. ``seq`` counts 1, 2, 3 ... without a gap."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="events", db_index=False)  # run_event_once serves
    seq = models.PositiveIntegerField()
    attempt = models.PositiveIntegerField()
    kind = models.CharField(max_length=16)
    data = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ("run", "seq")
        constraints = (models.UniqueConstraint(fields=("run", "seq"), name="run_event_once"),)

    def __str__(self) -> str:
        return f"{self.run_id}:{self.seq} {self.kind}"


class ChatSummary(models.Model):
    """What was said in a long chat up to a turn and with it, which the model is told in the place of those turns. It counts as long as that
    turn is shown: another version of what it tells hides it. ``claimed_until``: somebody makes a new one until then."""

    session = models.OneToOneField(ChatSession, on_delete=models.CASCADE, primary_key=True, related_name="+")
    text = models.TextField(blank=True)
    through = models.ForeignKey(Run, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    has_tools = models.BooleanField(default=False, help_text="Whether tools were called in what it tells.")
    claimed_until = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "chat summaries"
        indexes: ClassVar[Any] = (models.Index(fields=("through",), name="summary_through", condition=models.Q(through__isnull=False)),)

    def __str__(self) -> str:
        return f"Summary of {self.session_id}"


class Feedback(models.Model):
    """What a member thinks of an answer. Operators see it."""

    class Value(models.IntegerChoices):
        GOOD = 1, "Good"
        BAD = -1, "Bad"

    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="feedback")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    value = models.SmallIntegerField(choices=Value.choices)
    note = models.CharField(max_length=2000, blank=True)
    updated_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ("-updated_at",)

    def __str__(self) -> str:
        return f"{self.get_value_display()}: {self.run}"


class IdempotencyKey(models.Model):
    """A request that its sender may repeat: the same key gives the run, the session, or the public id in ``made``, of the first time."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )  # idempotency_key_once serves
    key = models.CharField(max_length=100)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of what was sent: the same key with other content is refused.")
    run = models.ForeignKey(Run, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    session = models.ForeignKey(ChatSession, null=True, blank=True, on_delete=models.CASCADE, related_name="+", db_index=False)
    made = models.CharField(max_length=40, blank=True, default="")
    created_at = models.DateTimeField(default=clock.now, db_index=True, editable=False)

    class Meta:
        indexes: ClassVar[Any] = (
            models.Index(fields=("session",), name="idempotency_key_of_session", condition=models.Q(session__isnull=False)),
        )
        constraints: ClassVar[Any] = (models.UniqueConstraint(fields=("user", "key"), name="idempotency_key_once"),)

    def __str__(self) -> str:
        return self.key
