"""MCP servers, what tools they have, and what members have of their own to use them: keys, and sign-ins by OAuth."""

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models

from agentos.access.models import Team
from agentos.core import clock
from agentos.core.security.guarded_http.addresses import URL_LIMIT
from agentos.core.security.invisible import visible

SLUG_LIMIT = 24
NAME_LIMIT = 80
TOOL_NAME_LIMIT = 128
DESCRIPTION_LIMIT = 1000
CLIENT_LIMIT = 500


class Server(models.Model):
    """A server of one team, or of the whole installation where there is no team. ``url`` is empty for one that is started on this
    machine: its command is in AGENTOS_MCP_STDIO under its slug, and nowhere else."""

    class Auth(models.TextChoices):
        NONE = "none", "No key"
        KEY = "key", "One key for everybody"
        MEMBER_KEY = "member_key", "Each member's own key"
        OAUTH = "oauth", "Each member signs in there (OAuth)"

    class State(models.TextChoices):
        UNKNOWN = "unknown", "Not looked at yet"
        OK = "ok", "Answers"
        AWAY = "away", "Away"
        REFUSED = "refused", "Refuses our key"

    slug = models.CharField(
        max_length=SLUG_LIMIT,
        unique=True,
        validators=[RegexValidator(r"^[a-z0-9][a-z0-9-]*$", "Small letters, digits and - only.")],
        help_text="The names of its tools begin with it.",
    )
    name = models.CharField(max_length=NAME_LIMIT)
    url = models.CharField("URL", max_length=URL_LIMIT, blank=True)
    auth = models.CharField("key", max_length=10, choices=Auth.choices, default=Auth.NONE)
    header = models.CharField(max_length=64, default="Authorization", help_text="The header that carries the key.")
    secret = models.TextField(
        blank=True, editable=False, help_text="The key of everybody, or the secret of the client id; sealed (core/security/secrets.py)."
    )
    client_id = models.CharField(
        "client id", max_length=CLIENT_LIMIT, blank=True, help_text="That the other system gave us, for OAuth. Empty: we register."
    )
    team = models.ForeignKey(
        Team, null=True, blank=True, on_delete=models.CASCADE, related_name="connections", help_text="Whose agents may use it. Empty: all."
    )
    seconds = models.PositiveSmallIntegerField(default=10, help_text="That a call may take.")
    is_active = models.BooleanField("on", default=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.UNKNOWN)
    state_reason = models.CharField(max_length=300, blank=True, help_text="A sentence: what is wrong.")
    looked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ("name", "pk")

    def __str__(self) -> str:
        return visible(self.name)

    @property
    def is_local(self) -> bool:
        return not self.url

    @property
    def is_personal(self) -> bool:
        """Whether each member calls it with something of their own."""
        return self.auth in {self.Auth.MEMBER_KEY, self.Auth.OAUTH}

    @property
    def signs_in(self) -> bool:
        return self.auth == self.Auth.OAUTH


class RemoteTool(models.Model):
    """A tool as it was accepted: models are told ``description`` and ``schema``. ``offered`` is what the server says now, where that is
    something else or was never accepted: ``{description, schema, hints, hash}``. ``problem``: why it cannot be used, a sentence."""

    class Policy(models.TextChoices):
        OFF = "off", "Off"
        ASK = "ask", "Asks first"
        AUTO = "auto", "Called freely"

    server = models.ForeignKey(Server, on_delete=models.CASCADE, related_name="tools", db_index=False)  # the constraint serves
    name = models.CharField(max_length=TOOL_NAME_LIMIT, help_text="As the server calls it.")
    description = models.CharField(max_length=DESCRIPTION_LIMIT, blank=True)
    schema = models.JSONField(default=dict, blank=True, help_text="Of its arguments (JSON Schema).")
    hints = models.JSONField(default=dict, blank=True, help_text="What the server says of itself: read_only, destructive.")
    hash = models.CharField(max_length=64, blank=True, help_text="Of what was accepted; empty when nothing was.")
    offered = models.JSONField(null=True, blank=True)
    problem = models.CharField(max_length=300, blank=True)
    policy = models.CharField(max_length=4, choices=Policy.choices, default=Policy.ASK)
    seen_at = models.DateTimeField(default=clock.now)
    gone = models.BooleanField(default=False, help_text="The server no longer has it.")

    class Meta:
        ordering = ("name", "pk")
        constraints = (models.UniqueConstraint(fields=("server", "name"), name="remote_tool_once"),)

    def __str__(self) -> str:
        return visible(self.name)

    @property
    def slug(self) -> str:
        """Its slug in an agent's list of tools."""
        return f"mcp:{self.server.slug}/{self.name}"

    @property
    def is_new(self) -> bool:
        return not self.hash

    @property
    def is_changed(self) -> bool:
        return bool(self.hash and self.offered)

    @property
    def state(self) -> str:
        """In a word: whether it can be used, and else why not."""
        if self.gone:
            return "gone"
        if self.problem:
            return "unusable"
        return ("changed" if self.hash else "new") if self.offered else "accepted"

    @property
    def is_usable(self) -> bool:
        """Whether an agent may be given it: accepted, and still what was accepted."""
        return bool(self.hash) and not (self.offered or self.gone or self.problem) and self.policy != self.Policy.OFF

    @property
    def only_reads(self) -> bool:
        """What the server says of the tool. It may lie, so that it only widens what a person can choose."""
        return self.hints.get("read_only") is True

    @property
    def policies(self) -> list[str]:
        """What can be chosen."""
        return [self.Policy.OFF, self.Policy.ASK, *([self.Policy.AUTO] if self.only_reads else [])]


class Grant(models.Model):
    """A member's own key for a server, or what they got by signing in there.

    For OAuth ``secret`` is JSON (signing_in.py: Kept), and the rest says how long it is good: ``expires_at``: None where the server does
    not say; ``turn``: how often it was renewed; ``renewing_until``: somebody renews it now, and has until then; ``problem``: a sentence,
    why the member has to sign in again."""

    server = models.ForeignKey(Server, on_delete=models.CASCADE, related_name="grants", db_index=False)  # the constraint serves
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    secret = models.TextField(editable=False, help_text="Sealed (core/security/secrets.py).")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    renews = models.BooleanField(default=False, help_text="It is renewed by itself.")
    turn = models.PositiveIntegerField(default=0, editable=False)
    renewing_until = models.DateTimeField(null=True, blank=True, editable=False)
    problem = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ("pk",)
        constraints = (models.UniqueConstraint(fields=("server", "user"), name="grant_once"),)

    def __str__(self) -> str:
        return f"{self.user} on {self.server}"

    @property
    def is_good(self) -> bool:
        return not self.problem and (self.renews or self.expires_at is None or self.expires_at > clock.now())


class OAuthClient(models.Model):
    """As what we are registered at the authorization server of a server, where nobody gave a client id."""

    server = models.OneToOneField(Server, on_delete=models.CASCADE, related_name="oauth_client")
    issuer = models.CharField(max_length=URL_LIMIT)
    redirect_uri = models.CharField(max_length=URL_LIMIT)
    secret = models.TextField(editable=False, help_text="The client as JSON, sealed (core/security/secrets.py).")
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.server} at {visible(self.issuer)}"


class SignIn(models.Model):
    """A member who is on their way to the server's sign-in page, or how the last try went. ``state`` and ``browser``: hashes of what has to
    come back, and of what the member's session holds; ``secret``: what is needed then, sealed. ``problem``: a sentence."""

    server = models.ForeignKey(Server, on_delete=models.CASCADE, related_name="+", db_index=False)  # the constraint serves
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=64, blank=True, editable=False)
    browser = models.CharField(max_length=64, blank=True, editable=False)
    secret = models.TextField(blank=True, editable=False)
    problem = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ("pk",)
        constraints = (models.UniqueConstraint(fields=("server", "user"), name="sign_in_once"),)

    def __str__(self) -> str:
        return f"{self.user} on the way to {self.server}"
