"""Settings of the servers of `make bench CLUSTER=1`: the product's own, with models that say when they say it."""

from site_config.settings import *  # noqa: F403
from site_config.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.bench"]
