"""Who may do what: users (by e-mail), teams with their members, plans with their subscribers, API tokens."""

from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac

from agentos.core import clock
from agentos.core.security.invisible import visible


class UserManager(BaseUserManager["User"]):
    @classmethod
    def normalize_email(cls, email: str | None) -> str:
        """Return the address in the one form that is stored: people do not remember how they capitalised it."""
        return super().normalize_email(email).strip().lower()

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=self.normalize_email(username))

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        if not email:
            msg = "A user needs an e-mail address."
            raise ValueError(msg)
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, **{**fields, "is_staff": True, "is_superuser": True})


class User(AbstractUser):
    """A person, known by e-mail. ``is_staff`` makes an operator. A project with a user model of its own has no table of these."""

    username = None  # type: ignore[assignment]
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    email = models.EmailField("e-mail address", unique=True)
    name = models.CharField(max_length=100, blank=True)
    sign_outs = models.PositiveIntegerField(default=0, editable=False, help_text="Counted up to end all sessions of this user.")

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    class Meta:
        swappable = "AUTH_USER_MODEL"
        ordering = ("email",)
        constraints = (
            models.UniqueConstraint(Lower("email"), name="user_email_once", violation_error_message="There is a user with this address."),
        )

    def __str__(self) -> str:
        return visible(self.email)

    def get_full_name(self) -> str:
        return self.name or self.email.split("@")[0]

    def get_short_name(self) -> str:
        return self.get_full_name().split(" ")[0]

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Tie sessions to ``sign_outs`` as well as to the password: one update ends them all, without a search for them."""
        return salted_hmac("agentos.access.session", f"{self.password}:{self.sign_outs}", secret=secret, algorithm="sha256").hexdigest()


class PreferencesManager(models.Manager["Preferences"]):
    def get_queryset(self) -> models.QuerySet["Preferences"]:
        """Every page reads them, and none of them the bytes of the picture."""
        return super().get_queryset().defer("picture")


class Preferences(models.Model):
    """How a person wants the pages. Who has chosen nothing has no row."""

    class Theme(models.TextChoices):
        SYSTEM = "system", "As the system"
        LIGHT = "light", "Light"
        DARK = "dark", "Dark"

    class Spoken(models.TextChoices):
        SENTENCES = "sentences", "Sentence by sentence, while it is written"
        DONE = "done", "When an answer begins and when it is done"
        OFF = "off", "Nothing"

    class Speed(models.IntegerChoices):
        SLOW = 75, "Slow"
        USUAL = 100, "As usual"
        QUICK = 125, "Quick"
        QUICKER = 150, "Quicker"
        TWICE = 200, "Twice as fast"

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+")
    theme = models.CharField(max_length=10, choices=Theme.choices, blank=True, default="", help_text="Empty: as each browser has it.")
    enter_sends = models.BooleanField(default=True, help_text="Off: Enter begins a new line, and Ctrl+Enter sends.")
    spoken = models.CharField(
        max_length=10, choices=Spoken.choices, default=Spoken.DONE, help_text="What screen readers are told of answers."
    )
    language = models.CharField(max_length=5, blank=True, default="", help_text="What they speak. Empty: whatever is heard.")
    sends_spoken = models.BooleanField(default=False, help_text="What was said is sent once it is written down.")
    keeps_recordings = models.BooleanField(default=False, help_text="A recording stays with the message that it was written down for.")
    reads_aloud = models.BooleanField(default=False, help_text="Answers are read aloud as they come.")
    speed = models.PositiveSmallIntegerField(choices=Speed.choices, default=Speed.USUAL, help_text="Of reading aloud, in percent.")
    budget_mails = models.BooleanField(default=True, help_text="A mail comes when a budget that is theirs to know of is nearly used up.")
    picture = models.BinaryField(blank=True, default=b"", help_text="Of the person: a small square (core.pictures). Empty: initials.")
    picture_id = models.CharField(max_length=16, blank=True, default="", editable=False, help_text="Another one for each picture.")

    objects: ClassVar[Any] = PreferencesManager()

    class Meta:
        verbose_name_plural = "preferences"

    def __str__(self) -> str:
        return f"Preferences of {self.user}"


class Team(models.Model):
    name = models.CharField(max_length=100, unique=True)
    personal_agents = models.BooleanField(
        default=False,
        help_text="Members may copy its agents, with their instructions, for themselves alone. Off closes those copies.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return visible(self.name)


class Membership(models.Model):
    class Role(models.TextChoices):
        OWNER = "owner", "Owner"
        ADMIN = "admin", "Admin"
        MEMBER = "member", "Member"

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="members", db_index=False)  # membership_once serves
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)
    source = models.CharField(
        max_length=40,
        blank=True,
        default="",
        editable=False,
        help_text="The provider of sign-ins that made it and may end it. Empty: people.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("team", "user")
        constraints = (models.UniqueConstraint(fields=("team", "user"), name="membership_once"),)

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"


class Invitation(models.Model):
    """A link that one person may follow once (access.invitations). Without a team it makes an account alone."""

    email = models.EmailField()
    team = models.ForeignKey(Team, null=True, on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=10, choices=Membership.Role.choices, default=Membership.Role.MEMBER)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    is_mailed = models.BooleanField(default=False, help_text="Whoever followed it has shown that they read the address's mail.")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-pk")

    def __str__(self) -> str:
        return visible(self.email)


class Plan(models.Model):
    name = models.CharField(max_length=100, unique=True)
    description = models.CharField(max_length=300, blank=True)
    price_text = models.CharField(
        "price in words", max_length=100, blank=True, default="", help_text="What it costs where it is not paid here, or how to get it."
    )
    runs_a_day = models.PositiveIntegerField(
        "answers a day",
        null=True,
        blank=True,
        help_text="That one subscriber may start. Empty: no limit. Of several plans the most counts.",
    )
    tokens_a_month = models.PositiveBigIntegerField(
        "tokens a month", null=True, blank=True, help_text="Read and written by models, for one subscriber's answers. Empty: no limit."
    )
    concurrent_runs = models.PositiveIntegerField(
        "answers at once", null=True, blank=True, help_text="Of one subscriber, queued or running. Empty: no limit."
    )
    files_mb = models.PositiveIntegerField(
        "MB of files", null=True, blank=True, help_text="That one subscriber may keep. Empty, and where it is less: what everybody may."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return visible(self.name)


class Customer(models.Model):
    """Who holds subscriptions: a user for themselves, or a team for all who are in it."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="customer")
    team = models.OneToOneField(Team, null=True, blank=True, on_delete=models.CASCADE, related_name="customer")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("user", "team")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(user=None) ^ models.Q(team=None),
                name="customer_is_one",
                violation_error_message="Choose a user or a team.",
            ),
        )

    def __str__(self) -> str:
        return str(self.user or self.team)


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def running(self, at: datetime | None = None) -> "SubscriptionQuerySet":
        """Those that open something now: active, and their period not over."""
        return self.filter(
            models.Q(current_period_end__isnull=True) | models.Q(current_period_end__gt=at or clock.now()),
            status=Subscription.Status.ACTIVE,
        )

    def held_by(self, user_pk: Any) -> "SubscriptionQuerySet":
        """Those that count for this user: their own, and those of their teams."""
        teams = Membership.objects.filter(user=user_pk).order_by().values("team")
        return self.filter(customer__in=Customer.objects.filter(models.Q(user=user_pk) | models.Q(team__in=teams)).order_by().values("pk"))


class Subscription(models.Model):
    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        PAST_DUE = "past_due", "Past due"
        CANCELED = "canceled", "Canceled"

    # subscription_once serves.
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="subscriptions", db_index=False)
    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="subscriptions")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ACTIVE)
    current_period_end = models.DateTimeField(null=True, blank=True, help_text="Empty: until it is cancelled.")
    source = models.CharField(
        max_length=20,
        blank=True,
        default="",
        editable=False,
        help_text="Where it is paid, which alone may end it. Empty: operators gave it.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = SubscriptionQuerySet.as_manager()

    class Meta:
        ordering = ("customer", "plan")
        indexes = (models.Index(fields=("status", "current_period_end"), name="subscription_end"),)
        constraints = (models.UniqueConstraint(fields=("customer", "plan", "source"), name="subscription_once"),)

    def __str__(self) -> str:
        return f"{self.customer} on {self.plan}"


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def usable(self) -> "ApiTokenQuerySet":
        """Those that open something now: neither revoked nor expired, and their owner not suspended."""
        return self.filter(revoked_at__isnull=True, expires_at__gt=clock.now(), user__is_active=True)


class ApiToken(models.Model):
    """A key with which a program acts as its owner, within ``scopes``. Its text is shown once; only its digest is kept."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(max_length=24, editable=False, help_text="The token's first and last characters.")
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )

    objects: ClassVar[Any] = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-pk")
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{visible(self.name)} ({self.hint})"

    def allows(self, scope: str) -> bool:
        return scope in self.scopes

    @property
    def is_usable(self) -> bool:
        return self.revoked_at is None and self.expires_at > clock.now() and self.user.is_active

    @property
    def state(self) -> str:
        """In one word, for people."""
        if self.revoked_at:
            return "revoked"
        if self.expires_at <= clock.now():
            return "expired"
        return "active" if self.user.is_active else "suspended"


class RateCount(models.Model):
    """How often something was done in a window of time (core.limits), where several processes share a database."""

    key = models.CharField(max_length=300, primary_key=True)
    window = models.BigIntegerField(help_text="Its number since 1970, in windows of this length.")
    count = models.PositiveIntegerField()
    ends = models.BigIntegerField(db_index=True, help_text="When the window is over, in seconds since 1970.")

    def __str__(self) -> str:
        return self.key


class Letter(models.Model):
    """A mail that waits to be sent (access.outbox). Its text is sealed: it may hold a link that opens an account."""

    to = models.EmailField()
    subject = models.CharField(max_length=250)
    text = models.TextField(editable=False)
    what = models.CharField(max_length=60, help_text="What it is, for the log.")
    tries = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now)
    next_try_at = models.DateTimeField(default=clock.now, db_index=True)

    def __str__(self) -> str:
        return f"{self.what} ({self.pk})"


class RightsVersion(models.Model):
    """One row, counted up in the transaction of every change that opens or closes something to somebody.

    What is cached about rights is cached under this number, so a stale answer cannot be found after the commit.
    """

    number = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.number)
