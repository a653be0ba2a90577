"""The catalogue of agents and the building of agents. ``runtime`` alone speaks to Agno; nothing here knows a chat."""
