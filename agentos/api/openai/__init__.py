"""OpenAI's protocol: the agents as models, so that a program written for OpenAI works with them.

``GET /v1/models``, ``GET /v1/models/{id}`` and ``POST /v1/chat/completions`` (docs: README, "OpenAI clients"). Only an API token
opens it, as ``Authorization: Bearer``; a cookie is not even looked at.
"""
