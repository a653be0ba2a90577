"""OpenAI's protocol: the agents as models, so that a program written for OpenAI works with them.

``GET /v1/models``, ``GET /v1/models/{id}``, ``POST /v1/chat/completions`` and ``/v1/responses`` (docs/integrations.md). Only an API token
opens it, as ``Authorization: Bearer``; a cookie is not even looked at.
"""
