"""Settings of the mail that the site sends."""

from agentos.conf.kinds import Flag, HostName, Mailbox, Number, Text
from site_config.env import env

EMAIL_HOST = env("EMAIL_HOST", HostName("", "Mail server. Without it the server prints what it would mail."))
EMAIL_PORT = env("EMAIL_PORT", Number(587, "Port of the mail server.", most=65535))
EMAIL_HOST_USER = env("EMAIL_HOST_USER", Text("", "Name to sign in to the mail server with, when it wants one."))
EMAIL_HOST_PASSWORD = env("EMAIL_HOST_PASSWORD", Text("", "Password for `EMAIL_HOST_USER`."))
EMAIL_USE_SSL = env("EMAIL_USE_SSL", Flag(False, "`1` for a mail server that speaks TLS from the first byte (port 465)."))
EMAIL_USE_TLS = (
    env("EMAIL_USE_TLS", Flag(True, "`0` for a mail server without STARTTLS. Does not count with `EMAIL_USE_SSL`.")) and not EMAIL_USE_SSL
)
EMAIL_TIMEOUT = 10  # seconds
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'console'}.EmailBackend"
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", Mailbox("AgentOS <agentos@localhost>", "Sender of mails."))
