"""One settings file, safe by default: without AGENTOS_LOCAL it is a production and refuses what a production must not have."""

import logging
import os
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from agentos.conf import EXTERNAL, AppSettings, project
from agentos.conf.kinds import Choice, Flag, Folder, HostNames, Names, Number, Origins, Text, TimeZone, Url
from site_config import accounts
from site_config.accounts import *  # noqa: F403 - ACCOUNT_*, MFA_*, SOCIALACCOUNT_*
from site_config.env import env, ours
from site_config.local import PrivateConnection, local_secret, private_database, private_folder
from site_config.logs import logging_config
from site_config.mail import *  # noqa: F403 - EMAIL_*

BASE_DIR = Path(__file__).resolve().parent.parent
IS_CHECKOUT = (BASE_DIR / "manage.py").exists()
# Where it writes, unless told otherwise: beside manage.py, or where an installed package is started.
HOME_DIR = BASE_DIR if IS_CHECKOUT else Path.cwd()
SECRET_LENGTH = 50

# --- Where it runs -----------------------------------------------------------------------------------------------

OURS = ours()
globals().update(OURS)  # AGENTOS_*, those that the environment names
AGENTOS_LOCAL = env("AGENTOS_LOCAL", AppSettings.LOCAL)
AGENTOS_DATA_DIR: Path = OURS.get("AGENTOS_DATA_DIR", HOME_DIR / ".data")
DEBUG = env("DEBUG", Flag(False, "Django's debug pages. Refused without `AGENTOS_LOCAL`."))
SECRET_KEY = env("SECRET_KEY", Text("", "Signs cookies and forms; at least 50 random characters. Required in production."))
SECRET_KEY_FALLBACKS = env(
    "SECRET_KEY_FALLBACKS",
    Names((), "Secrets used before, separated by commas: what they signed and sealed stays good until they are taken out."),
)
ALLOWED_HOSTS = env("ALLOWED_HOSTS", HostNames((), "Host names that the site answers to, separated by commas. Required in production."))
CSRF_TRUSTED_ORIGINS = env(
    "CSRF_TRUSTED_ORIGINS",
    Origins((), "Origins such as `https://chat.example.com` that may post, when a proxy changes the host.", wildcards=True),
)
BEHIND_TLS_PROXY = env("AGENTOS_BEHIND_TLS_PROXY", AppSettings.BEHIND_TLS_PROXY)

if AGENTOS_LOCAL:
    SECRET_KEY = SECRET_KEY or local_secret(AGENTOS_DATA_DIR)
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
    "axes",
    *project.APPS,
    *accounts.APPS,
]

MIDDLEWARE = [
    "django_htmx.middleware.HtmxMiddleware",  # first: whatever goes wrong, an error page asks it who is answered
    "agentos.core.http.middleware.security_headers",
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "agentos.core.http.middleware.json_errors",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "site_config.urls"
ASGI_APPLICATION = "site_config.asgi.application"
AGENTOS_OWN_SITE = True

TEMPLATES = project.templates()

# --- Data --------------------------------------------------------------------------------------------------------

DATABASE_URL = env(
    "DATABASE_URL",
    Url(
        "",
        "For example `postgres://user:password@host/name`. Without it: SQLite in `AGENTOS_DATA_DIR`.",
        ("postgres", "postgresql", "sqlite"),
    ),
)
DATABASES = {"default": dj_database_url.parse(DATABASE_URL or f"sqlite:///{AGENTOS_DATA_DIR / 'agentos.sqlite3'}")}
DATABASES["default"]["CONN_MAX_AGE"] = None  # the threads that speak to the database are few and stay (agentos/core/db/)
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    if DATABASE_URL:
        private_database(Path(DATABASES["default"]["NAME"]))
    else:
        private_folder(AGENTOS_DATA_DIR)
    DATABASES["default"]["OPTIONS"] = {
        # A writer takes its lock at BEGIN and waits its turn, instead of failing half-way; FULL: an answered 2xx is on disk.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "factory": PrivateConnection,
        # Every thread's connection keeps 2 MB of pages of its own; the system keeps all of them, once, and gives them for little.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-2000; PRAGMA temp_store=MEMORY;",
    }
else:
    DATABASES["default"]["OPTIONS"] = {
        # A server that is gone without a word is given up within half a minute, not within hours.
        "connect_timeout": 10,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
        # PostgreSQL plans a statement once, and psycopg writes no values into SQL: a tenth less CPU an answer.
        "server_side_binding": True,
        "prepare_threshold": 3,
        **DATABASES["default"].get("OPTIONS", {}),  # such as sslmode, from the URL
    }

AGENTOS_WORKERS = env("AGENTOS_WORKERS", AppSettings.WORKERS)
if AGENTOS_WORKERS == EXTERNAL:
    if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
        msg = "AGENTOS_WORKERS=external needs PostgreSQL (DATABASE_URL): on SQLite the server drives the runs."
        raise ImproperlyConfigured(msg)
    INSTALLED_APPS.append("procrastinate.contrib.django")  # the queue, with its tables

CACHE_URL = env(
    "CACHE_URL",
    Url(
        "",
        "`redis://host:6379/0` for a cache that several processes share. Without it: memory. A cache that is down costs speed only.",
        ("redis", "rediss", "unix"),
    ),
)
AGENTOS_SHARED_CACHE = bool(CACHE_URL)
CACHES = {
    "default": (
        {
            "BACKEND": "agentos.core.ratelimit.shared_cache.SharedCache",
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

# --- Wrong passwords ---------------------------------------------------------------------------------------------

AXES_FAILURE_LIMIT = 5
# Not the account alone: anybody could lock anybody out. The sign-in form asks axes itself, so no request passes its middleware.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_COOLOFF_TIME = timedelta(minutes=env("AGENTOS_LOCKOUT_MINUTES", AppSettings.LOCKOUT_MINUTES))
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_HANDLER = "agentos.access.lockout.Handler"
AXES_CLIENT_IP_CALLABLE = "agentos.access.lockout.address"
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False  # agentos.access.admin has one that leaves an audit record
AXES_VERBOSE = False
# W005, W021: what is said for subdomains and to hstspreload.org is for the owner of the domain to decide.
SILENCED_SYSTEM_CHECKS = ["axes.W002", "axes.W003", "security.W005", "security.W021"]

os.environ["AGNO_TELEMETRY"] = "false"  # Agno sends usage data unless told not to.

# --- Browser safety ----------------------------------------------------------------------------------------------

SECURE_COOKIES = not (AGENTOS_LOCAL or env("AGENTOS_INSECURE_HTTP", AppSettings.INSECURE_HTTP))
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_COOKIES
SESSION_COOKIE_NAME = "__Host-session" if SECURE_COOKIES else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE_COOKIES else "csrf"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = SECURE_COOKIES
HSTS_SECONDS = env(
    "SECURE_HSTS_SECONDS",
    Number(31_536_000, "Seconds for which browsers remember that this site speaks only TLS. Sent over TLS, in production; 0: not at all."),
)
SECURE_HSTS_SECONDS = HSTS_SECONDS if SECURE_COOKIES else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = env(
    "SECURE_HSTS_INCLUDE_SUBDOMAINS", Flag(False, "`1` when all subdomains of this host speak TLS only, too.")
)
SECURE_HSTS_PRELOAD = env(
    "SECURE_HSTS_PRELOAD", Flag(False, "`1` to allow that browsers are shipped with it (hstspreload.org). That is hard to take back.")
)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS_PROXY else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# --- Language, files, logs ---------------------------------------------------------------------------------------

LANGUAGE_CODE = "en-gb"
TIME_ZONE = env("TIME_ZONE", TimeZone("UTC", "Time zone in which pages show times, for example `Europe/Berlin`."))
USE_TZ = True

STATIC_URL = "static/"
STATICFILES_DIRS = list(project.STATIC_DIRS)
STATIC_ROOT = env("STATIC_ROOT", Folder(HOME_DIR / ".static", "Folder that the static files are collected into at the start."))
S3_BUCKET = env(
    "AGENTOS_S3_BUCKET", Text("", "Bucket of S3 that keeps the files (docs/files.md). It needs the extra `s3`. Without it: a folder.")
)
S3_ENDPOINT = env(
    "AGENTOS_S3_ENDPOINT",
    Url(
        "",
        "Address of another server that speaks S3's protocol, for example `https://minio.example.com`. Without it: Amazon's.",
        ("https", "http"),
    ),
)
S3_REGION = env("AGENTOS_S3_REGION", Text("", "Region of the bucket, for example `eu-central-1`."))
S3_FOLDER = env("AGENTOS_S3_FOLDER", Text("", "What the names in the bucket begin with, where it is not for this site alone."))
S3_KEY = env("AGENTOS_S3_KEY", Text("", "Access key. Without it: what boto3 finds, such as the role of the machine."))
S3_SECRET = env("AGENTOS_S3_SECRET", Text("", "The secret of that key."))
STORAGES = {
    # What people give agents. No URL leads there: it is served by views that ask for the right (docs/files.md).
    "default": (
        {
            "BACKEND": "agentos.files.s3.Storage",
            "OPTIONS": {
                "bucket_name": S3_BUCKET,
                "endpoint_url": S3_ENDPOINT or None,
                "region_name": S3_REGION or None,
                "location": S3_FOLDER.strip("/"),
                "access_key": S3_KEY or None,
                "secret_key": S3_SECRET or None,
                "signature_version": "s3v4",
                "addressing_style": "path" if S3_ENDPOINT else "auto",
            },
        }
        if S3_BUCKET
        else {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {
                "location": AGENTOS_DATA_DIR / "files",
                "file_permissions_mode": 0o600,
                "directory_permissions_mode": 0o700,
            },
        }
    ),
    "staticfiles": {"BACKEND": "agentos.core.stylesheets.Storage"},
}

LOG_LEVEL = env(
    "LOG_LEVEL",
    Choice("INFO", "How much the server logs: `DEBUG`, `INFO`, `WARNING` or `ERROR`.", ("DEBUG", "INFO", "WARNING", "ERROR")),
)
LOG_FORMAT = env(
    "LOG_FORMAT", Choice("TEXT", "`text`, or `json` for a log of one JSON object a line, with ids of requests and runs.", ("TEXT", "JSON"))
)
LOGGING = logging_config(LOG_LEVEL, LOG_FORMAT)
if LOG_FORMAT == "JSON":
    logging.captureWarnings(True)
