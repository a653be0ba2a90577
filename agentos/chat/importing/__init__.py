"""Chats from elsewhere: what is in an export (``reading.py``), and bringing it (``bringing.py``).

given = await read(data)                            another process reads it: bounded, whatever is in it
report = await bring_away(given=given, agent=agent, by=user)
"""
