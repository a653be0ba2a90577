"""What such a project sets. Nothing here is ours but what docs/in-your-project.md asks for."""

import os
from pathlib import Path

from agentos.conf import project

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ["FOREIGN_DATA"])

SECRET_KEY = "of-a-foreign-project-and-long-enough-for-every-check-there-is"
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "tests.foreign.people",
    *project.APPS,
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    *project.MIDDLEWARE,
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "tests.foreign.urls"
ASGI_APPLICATION = "site_config.asgi.application"
TEMPLATES = project.templates(HERE / "templates")
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATA / "foreign.sqlite3"}}
AUTH_USER_MODEL = "people.Person"
LOGIN_URL = "login"
STATIC_URL = "assets/"
STATIC_ROOT = DATA / "assets"
STATICFILES_DIRS = list(project.STATIC_DIRS)

AGENTOS_ACCESS = "tests.foreign.people.access.ByGroup"
AGENTOS_SIGN_OUT_URL = "logout"
AGENTOS_SCRIPTED_MODELS = True
AGENTOS_LOCAL_MODEL = False
AGENTOS_PORT = int(os.environ.get("FOREIGN_PORT", "8000"))
