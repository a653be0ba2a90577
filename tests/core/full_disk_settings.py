"""The product's settings, with a database that may not grow: to SQLite that is a full disk."""

from site_config.settings import *  # noqa: F403
from site_config.settings import DATABASES

DATABASES["default"]["OPTIONS"]["init_command"] += " PRAGMA max_page_count=1;"  # not below what there is
