"""Settings of the server that is struck: the product's own, without its limits, and with tools that leave a trace."""

import os

os.environ.update({f"AGENTOS_{name}_A_MINUTE": "0" for name in ("SIGN_INS", "SENDS", "CREATIONS", "TOKEN_REQUESTS")})

from site_config.settings import *  # noqa: F403
from site_config.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.chaos"]
