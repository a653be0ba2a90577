"""OpenAI's Responses: an answer that is kept, and gone on from by its id.

``POST /v1/responses`` and what is done with one by its id. A response is a run of ours: ``resp_...`` and ``run_...`` have the same
characters behind them. One that is stored is a turn of a chat; ``store: false`` leaves no trace (``chat/ephemeral.py``).
"""
