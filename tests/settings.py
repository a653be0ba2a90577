"""Settings of the tests: the product's own, with fast passwords, scripted models, and a data folder that is thrown away."""

import atexit
import os
import shutil
import tempfile

DATA = tempfile.mkdtemp(prefix="agentos-tests-")
OWNER = os.getpid()


def remove_data() -> None:
    """Remove the folder, unless this is a forked child that only inherited it."""
    if os.getpid() == OWNER:
        shutil.rmtree(DATA, ignore_errors=True)


atexit.register(remove_data)

# What the developer's own shell says about keys and places must not reach a test.
for name in list(os.environ):
    if (
        name.endswith("_API_KEY")
        or name.startswith(("AGENTOS_SEARCH_", "AGENTOS_HTTP_ACTIONS"))
        or name in {"CACHE_URL", "DEBUG", "ALLOWED_HOSTS", "SECRET_KEY", "AGENTOS_OPENAI_LIKE_URL"}
    ):
        del os.environ[name]
if "TEST_REDIS_URL" in os.environ:
    # Tests empty it: each of the workers has a database of its own.
    os.environ["CACHE_URL"] = f"{os.environ['TEST_REDIS_URL']}?db={os.environ.get('PYTEST_XDIST_WORKER', 'gw0')[2:]}"
# No limits, but where a test sets one.
LIMITS = ("SIGN_INS", "SENDS", "CREATIONS", "TOKEN_REQUESTS", "ADDRESS_REQUESTS", "BAD_TOKENS")
os.environ["AGENTOS_UPLOADS_A_MINUTE"] = "0"
os.environ.update({f"AGENTOS_{name}_A_MINUTE": "0" for name in LIMITS})
os.environ["AGENTOS_TITLES"] = "first-words"  # a model is asked for what a test sends it, and nothing more
os.environ.update({"AGENTOS_LOCAL": "1", "AGENTOS_DATA_DIR": DATA, "AGENTOS_SCRIPTED_MODELS": "1", "AGENTOS_LOCAL_MODEL": "0"})

from site_config.settings import *  # noqa: E402, F403
from site_config.settings import AGENTOS_DATA_DIR, DATABASES, LOGGING, STORAGES  # noqa: E402

ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
STATIC_ROOT = AGENTOS_DATA_DIR / "static"
STATIC_ROOT.mkdir()

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, since threads would each see a memory database of their own; nothing in it has to survive a power cut.
    DATABASES["default"]["TEST"] = {"NAME": str(AGENTOS_DATA_DIR / "test.sqlite3")}
    DATABASES["default"]["OPTIONS"]["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA temp_store=MEMORY;"

# To the root logger, so that caplog hears it.
LOGGING["loggers"]["django"] = {"level": "INFO"}
