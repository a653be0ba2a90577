"""Django's SQLite backend with writers that queue up inside the process."""
