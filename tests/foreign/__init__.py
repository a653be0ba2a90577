"""A project of somebody else that has AgentOS in it: its own users, sign-in, paths and rule of access; the rest is Django's default."""
