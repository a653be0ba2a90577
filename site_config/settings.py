"""One settings file, safe by default: without AGENTOS_LOCAL it is a production and refuses what a production must not have."""

import os
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from site_config.env import env_bool, env_int, env_list, env_str, env_url
from site_config.local import local_secret
from site_config.logs import logging_config
from site_config.mail import *  # noqa: F403 - ORIGIN, EMAIL_*

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_LENGTH = 50

# --- Where it runs -----------------------------------------------------------------------------------------------

LOCAL = env_bool(
    "AGENTOS_LOCAL", False, "`1` on your own machine only: makes a secret by itself and answers on localhost. `make run` sets it."
)
DATA_DIR = Path(
    env_str("AGENTOS_DATA_DIR", str(BASE_DIR / ".data"), "Folder for the SQLite database and the secret of a local installation.")
)
PORT = env_int("PORT", 8000, "Port that the server listens on.")
HOST = env_str("HOST", "127.0.0.1", "Address that the server listens on. A local installation only accepts loopback.")
DEBUG = env_bool("DEBUG", False, "Django's debug pages. Refused without `AGENTOS_LOCAL`.")
SECRET_KEY = env_str("SECRET_KEY", "", "Signs cookies and forms; at least 50 random characters. Required in production.")
SECRET_KEY_FALLBACKS = env_list(
    "SECRET_KEY_FALLBACKS", "", "Secrets used before, separated by commas: what they signed and sealed stays good until they are taken out."
)
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", "", "Host names that the site answers to, separated by commas. Required in production.")
CSRF_TRUSTED_ORIGINS = env_list(
    "CSRF_TRUSTED_ORIGINS", "", "Origins such as `https://chat.example.com` that may post, when a proxy changes the host."
)
BEHIND_TLS_PROXY = env_bool("AGENTOS_BEHIND_TLS_PROXY", False, "`1` when a proxy that you run terminates TLS and sets `X-Forwarded-Proto`.")
TRUSTED_PROXY_COUNT = env_int(
    "AGENTOS_TRUSTED_PROXY_COUNT",
    0,
    "How many proxies of yours stand before the server and add to `X-Forwarded-For`. 0: the header is not believed.",
)
INSECURE_HTTP = env_bool(
    "AGENTOS_INSECURE_HTTP", False, "`1` to serve plain HTTP in production (a closed network): cookies are then not marked Secure."
)

if LOCAL:
    SECRET_KEY = SECRET_KEY or local_secret(DATA_DIR)
    ALLOWED_HOSTS = ALLOWED_HOSTS or ["localhost", "127.0.0.1", "[::1]"]
else:
    problems = []
    if DEBUG:
        problems.append("DEBUG must be off")
    if len(SECRET_KEY) < SECRET_LENGTH or "insecure" in SECRET_KEY:
        problems.append("SECRET_KEY must be at least 50 random characters")
    if not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS:
        problems.append("ALLOWED_HOSTS must name the hosts of this site")
    if problems:
        msg = "This is a production (AGENTOS_LOCAL is not set): " + "; ".join(problems) + "."
        raise ImproperlyConfigured(msg)

# --- The parts ---------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "template_partials",
    "ninja",
    "axes",
    "agentos.core",
    "agentos.audit",
    "agentos.access",
    "agentos.agents",
    "agentos.chat",
    "agentos.dashboard",
    "agentos.api",
    "agentos.gateway",
    "agentos.webhooks",
    "agentos.webhooks.outgoing",
]

MIDDLEWARE = [
    "agentos.core.middleware.security_headers",
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "agentos.core.middleware.json_errors",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "site_config.urls"
ASGI_APPLICATION = "site_config.asgi.application"

JINJA = "agentos.core.jinja.environment"
TEMPLATES = [
    {
        "BACKEND": "agentos.core.templates.Templates",
        "NAME": "django",
        # Whole pages, and the fragments that HTMX swaps: one name space, no file in two folders (tests/test_house_templates.py).
        "DIRS": [BASE_DIR / "templates", BASE_DIR / "partials"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "agentos.dashboard.frame.of_settings",
            ],
            "builtins": [
                "template_partials.templatetags.partials",
                "django.templatetags.static",
                "agentos.core.templatetags.house",
            ],
        },
    },
    {"BACKEND": "django.template.backends.jinja2.Jinja2", "DIRS": [BASE_DIR / "compiled"], "OPTIONS": {"environment": JINJA}},
]

# --- Data --------------------------------------------------------------------------------------------------------

DATABASE_URL = env_str("DATABASE_URL", "", "For example `postgres://user:password@host/name`. Without it: SQLite in `AGENTOS_DATA_DIR`.")
DATABASES = {"default": dj_database_url.parse(DATABASE_URL or f"sqlite:///{DATA_DIR / 'agentos.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATA_DIR.mkdir(parents=True, exist_ok=True)
    DATABASES["default"]["ENGINE"] = "agentos.core.sqlite"
    DATABASES["default"]["CONN_MAX_AGE"] = None  # the threads that speak to the database are few and stay
    DATABASES["default"]["OPTIONS"] = {
        # A writer takes its lock at BEGIN and waits its turn, instead of failing half-way; FULL: an answered 2xx is on disk.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-16000; PRAGMA temp_store=MEMORY;",
    }
else:
    # Under ASGI a connection that outlives its request leaks with its thread: psycopg's pool instead of CONN_MAX_AGE.
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    DATABASES["default"]["OPTIONS"] = {"pool": {"min_size": 1, "max_size": 20, "timeout": 10}}

CACHE_URL = env_url(
    "CACHE_URL",
    ("redis", "rediss", "unix"),
    "`redis://host:6379/0` for a cache that several processes share. Without it: memory. A cache that is down costs speed only.",
)
CACHES = {
    "default": (
        {
            "BACKEND": "agentos.core.shared_cache.SharedCache",
            "LOCATION": CACHE_URL,
            # Two installations on one server must not read each other's: user 7 of the one is not user 7 of the other.
            "KEY_PREFIX": f"agentos-{sha256(SECRET_KEY.encode()).hexdigest()[:12]}",
        }
        if CACHE_URL
        else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 5000}}
    )
}

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- People ------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "access.User"
AUTHENTICATION_BACKENDS = ["agentos.access.logins.Accounts"]
SESSION_ENGINE = "agentos.access.logins"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
CSRF_FAILURE_VIEW = "agentos.dashboard.views.errors.csrf_failure"
LOGIN_URL = "access:sign-in"
LOGIN_REDIRECT_URL = "dashboard:home"
LOGOUT_REDIRECT_URL = "access:sign-in"
DEMO_PASSWORD = env_str("AGENTOS_DEMO_PASSWORD", "demo", "Password of the demo accounts that `manage.py agentos_demo` makes.")

# --- Limits ------------------------------------------------------------------------------------------------------

SIGN_INS_A_MINUTE = env_int("AGENTOS_SIGN_INS_A_MINUTE", 30, "Attempts to sign in that one address may make in a minute. 0: no limit.")
LOCKOUT_MINUTES = env_int(
    "AGENTOS_LOCKOUT_MINUTES", 15, "Minutes for which five wrong passwords lock an account, for the address they came from."
)
SENDS_A_MINUTE = env_int(
    "AGENTOS_SENDS_A_MINUTE", 60, "Messages, retries and other starts of answers by one user in a minute. 0: no limit."
)
CREATIONS_A_MINUTE = env_int(
    "AGENTOS_CREATIONS_A_MINUTE", 60, "Empty chats, forks and API tokens made by one user in a minute, each. 0: no limit."
)
TOKEN_REQUESTS_A_MINUTE = env_int("AGENTOS_TOKEN_REQUESTS_A_MINUTE", 600, "Requests with one API token in a minute. 0: no limit.")
ADDRESS_REQUESTS_A_MINUTE = env_int(
    "AGENTOS_ADDRESS_REQUESTS_A_MINUTE", 3000, "Requests with API tokens from one address in a minute. 0: no limit."
)
BAD_TOKENS_A_MINUTE = env_int(
    "AGENTOS_BAD_TOKENS_A_MINUTE", 30, "Requests with an API token that does not work, from one address in a minute. 0: no limit."
)
RUNS_A_DAY = env_int("AGENTOS_RUNS_A_DAY", 0, "Answers that a user without a plan may start in a day. 0: no limit.")
TOKENS_A_MONTH = env_int(
    "AGENTOS_TOKENS_A_MONTH", 0, "Model tokens that the answers of a user without a plan may cost in a month. 0: no limit."
)
CONCURRENT_RUNS = env_int(
    "AGENTOS_CONCURRENT_RUNS", 0, "Answers of a user without a plan that may be queued or running at once. 0: no limit."
)

AXES_FAILURE_LIMIT = 5
# Not the account alone: anybody could lock anybody out. The sign-in form asks axes itself, so no request passes its middleware.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_COOLOFF_TIME = timedelta(minutes=LOCKOUT_MINUTES)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_HANDLER = "agentos.access.lockout.Handler"
AXES_CLIENT_IP_CALLABLE = "agentos.access.lockout.address"
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False  # agentos.access.admin has one that leaves an audit record
AXES_VERBOSE = False
SILENCED_SYSTEM_CHECKS = ["axes.W002", "axes.W003"]

# --- Models and runs ---------------------------------------------------------------------------------------------

LOCAL_MODEL = env_bool("AGENTOS_LOCAL_MODEL", True, "`0` to run without the embedded demo model (`local:smollm2`).")
SCRIPTED_MODELS = env_bool(
    "AGENTOS_SCRIPTED_MODELS", False, "`1` to offer the scripted models (`scripted:...`), which need no model. For trials and tests."
)
OPENAI_LIKE_URL = env_str(
    "AGENTOS_OPENAI_LIKE_URL",
    "",
    "Base URL of an OpenAI-compatible server, for example `http://localhost:1234/v1`; its models are `openai-like:<model id>`.",
)
OPENAI_LIKE_API_KEY = env_str("AGENTOS_OPENAI_LIKE_API_KEY", "", "Key for `AGENTOS_OPENAI_LIKE_URL`, when it wants one.")
CONNECT_TIMEOUT = env_int("AGENTOS_CONNECT_TIMEOUT", 10, "Seconds to wait for a connection to a model.")
SILENCE_TIMEOUT = env_int("AGENTOS_SILENCE_TIMEOUT", 60, "Seconds that a model may say nothing before its run fails.")
RUN_TIMEOUT = env_int("AGENTOS_RUN_TIMEOUT", 600, "Seconds that one run may take in all.")
TOOL_STEPS = env_int("AGENTOS_TOOL_STEPS", 20, "Tool calls that one run may make.")
HISTORY_TURNS = env_int("AGENTOS_HISTORY_TURNS", 20, "Earlier turns of a chat that the model is shown.")
GRACE_SECONDS = env_int(
    "AGENTOS_GRACE_SECONDS", 20, "Seconds that running answers get to finish when the server is told to stop (SIGTERM)."
)

ALLOW_PRIVATE_HOSTS = env_list(
    "AGENTOS_ALLOW_PRIVATE_HOSTS",
    "",
    "Host names, addresses and networks (`10.1.0.0/16`), separated by commas, that webhooks may reach although they are private.",
)

os.environ["AGNO_TELEMETRY"] = "false"  # Agno sends usage data unless told not to.

# --- Browser safety ----------------------------------------------------------------------------------------------

SECURE_COOKIES = not (LOCAL or INSECURE_HTTP)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_COOKIES
SESSION_COOKIE_NAME = "__Host-session" if SECURE_COOKIES else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE_COOKIES else "csrf"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = SECURE_COOKIES
SECURE_HSTS_SECONDS = 31_536_000 if SECURE_COOKIES else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE_COOKIES
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS_PROXY else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# --- Language, files, logs ---------------------------------------------------------------------------------------

LANGUAGE_CODE = "en-gb"
TIME_ZONE = env_str("TIME_ZONE", "UTC", "Time zone in which pages show times, for example `Europe/Berlin`.")
USE_TZ = True

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = BASE_DIR / ".static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

LOG_LEVEL = env_str("LOG_LEVEL", "INFO", "How much the server logs: `DEBUG`, `INFO`, `WARNING` or `ERROR`.")
LOGGING = logging_config(LOG_LEVEL)

# --- Agno's own server -------------------------------------------------------------------------------------------

INTERFACES = env_list(
    "AGENTOS_INTERFACES",
    "",
    "Agno's other interfaces to serve there too, separated by commas: `agui` (AG-UI), `mcp` (an MCP server), `a2a` (A2A).",
)
GATEWAY_ORIGINS = env_list(
    "AGENTOS_GATEWAY_ORIGINS",
    "",
    "Other sites, such as `https://chat.example.com`, whose pages may use Agno's own API in a browser, with an API token.",
)
GATEWAY = env_bool("AGENTOS_GATEWAY", True, "`0` to not serve Agno's own API below `/api/v1/agentos/fastapi/`.")
