"""Whose a run is: what everything that begins one, or goes on with one, is told."""

from typing import TypedDict


class Whose(TypedDict):
    run_id: str
    user_id: str
    session_id: str
