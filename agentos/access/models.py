"""Who may do what: users (by e-mail), teams with their members, plans with their subscribers."""

from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac

from agentos.core import clock


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
    """A person, known by e-mail. ``is_staff`` makes an operator."""

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
        ordering = ("email",)
        constraints = (
            models.UniqueConstraint(Lower("email"), name="user_email_once", violation_error_message="There is a user with this address."),
        )

    def __str__(self) -> str:
        return self.email

    def get_full_name(self) -> str:
        return self.name or self.email.split("@")[0]

    def get_short_name(self) -> str:
        return self.get_full_name().split(" ")[0]

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Tie sessions to ``sign_outs`` as well as to the password: one update ends them all, without a search for them."""
        return salted_hmac("agentos.access.session", f"{self.password}:{self.sign_outs}", secret=secret, algorithm="sha256").hexdigest()


class Team(models.Model):
    name = models.CharField(max_length=100, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    class Role(models.TextChoices):
        OWNER = "owner", "Owner"
        ADMIN = "admin", "Admin"
        MEMBER = "member", "Member"

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("team", "user")
        constraints = (models.UniqueConstraint(fields=("team", "user"), name="membership_once"),)

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"


class Plan(models.Model):
    name = models.CharField(max_length=100, unique=True)
    description = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Customer(models.Model):
    """A user as somebody who holds subscriptions."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="customer")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("user",)

    def __str__(self) -> str:
        return str(self.user)


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def running(self, at: datetime | None = None) -> "SubscriptionQuerySet":
        """Those that open something now: active, and their period not over."""
        return self.filter(
            models.Q(current_period_end__isnull=True) | models.Q(current_period_end__gt=at or clock.now()),
            status=Subscription.Status.ACTIVE,
        )


class Subscription(models.Model):
    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        PAST_DUE = "past_due", "Past due"
        CANCELED = "canceled", "Canceled"

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="subscriptions")
    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="subscriptions")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ACTIVE, db_index=True)
    current_period_end = models.DateTimeField(null=True, blank=True, help_text="Empty: until it is cancelled.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = SubscriptionQuerySet.as_manager()

    class Meta:
        ordering = ("customer", "plan")
        constraints = (models.UniqueConstraint(fields=("customer", "plan"), name="subscription_once"),)

    def __str__(self) -> str:
        return f"{self.customer} on {self.plan}"


class RightsVersion(models.Model):
    """One row, counted up in the transaction of every change that opens or closes something to somebody.

    What is cached about rights is cached under this number, so a stale answer cannot be found after the commit.
    """

    number = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.number)
