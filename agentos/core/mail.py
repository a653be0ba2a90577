"""Where the links of mails lead. The mails themselves go through ``access.outbox``."""

from django.conf import settings

from agentos.conf import app_settings


def site() -> str:
    """Return where people open this site, as its settings say it: no request has a say in what a mail links to."""
    if app_settings.ORIGIN:
        return app_settings.ORIGIN
    host = (settings.ALLOWED_HOSTS or ["localhost"])[0].removeprefix(".")
    if app_settings.LOCAL:
        return f"http://{host}:{app_settings.PORT}"
    return f"{'http' if app_settings.INSECURE_HTTP else 'https'}://{host}"
