"""The wiring: settings, URLs, the ASGI application. It knows every room and no room knows it."""
