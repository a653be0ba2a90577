"""Readers of files, one for each kind. They run in the process of ``document_worker.py`` alone, which has no AgentOS to import: hence the
dots in their imports."""
