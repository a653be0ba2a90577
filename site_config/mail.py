"""Settings of the mail that the site sends, and of the links in it."""

import re

from django.core.exceptions import ImproperlyConfigured

from site_config.env import env_bool, env_int, env_str

ORIGIN = env_str(
    "AGENTOS_ORIGIN",
    "",
    "Where people open the site, for example `https://chat.example.com`: for links in mails. Without it: the first of `ALLOWED_HOSTS`.",
).rstrip("/")
if ORIGIN and not re.fullmatch(r"https?://[^\s/?#@]+", ORIGIN):
    msg = "AGENTOS_ORIGIN must be like https://chat.example.com: a scheme and a host, without a path."
    raise ImproperlyConfigured(msg)

EMAIL_HOST = env_str("EMAIL_HOST", "", "Mail server. Without it the server prints what it would mail.")
EMAIL_PORT = env_int("EMAIL_PORT", 587, "Port of the mail server.")
EMAIL_HOST_USER = env_str("EMAIL_HOST_USER", "", "Name to sign in to the mail server with, when it wants one.")
EMAIL_HOST_PASSWORD = env_str("EMAIL_HOST_PASSWORD", "", "Password for `EMAIL_HOST_USER`.")
EMAIL_USE_SSL = env_bool("EMAIL_USE_SSL", False, "`1` for a mail server that speaks TLS from the first byte (port 465).")
EMAIL_USE_TLS = (
    env_bool("EMAIL_USE_TLS", True, "`0` for a mail server without STARTTLS. Does not count with `EMAIL_USE_SSL`.") and not EMAIL_USE_SSL
)
EMAIL_TIMEOUT = 10  # seconds
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'console'}.EmailBackend"
DEFAULT_FROM_EMAIL = env_str("DEFAULT_FROM_EMAIL", "AgentOS <agentos@localhost>", "Sender of mails.")
