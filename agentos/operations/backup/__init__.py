"""Backups: one file with everything that an installation is, made while it works, and put back whole or not at all."""
