"""Exports of chats, read. It knows nothing of AgentOS, and is imported by a process of its own (``../worker.py``)."""
