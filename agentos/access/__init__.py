"""Users, teams, plans and subscriptions: who somebody is and what they hold. Knows nothing of agents and chats."""
