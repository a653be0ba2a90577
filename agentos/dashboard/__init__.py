"""The pages: dashboard, agents, chat, session. A face over ``service`` and ``chat.actions``; no other room knows it."""
