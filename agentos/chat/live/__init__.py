"""What an open tab is sent of a chat: the growing answer, its parts, turns as a page shows them, and the cursor of a stream."""
