"""Settings of the server that a browser visits: the product's own, with its static files beside its data."""

from site_config.settings import *  # noqa: F403
from site_config.settings import AGENTOS_DATA_DIR

STATIC_ROOT = AGENTOS_DATA_DIR / "static"
