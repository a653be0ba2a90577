"""What operators need of a server that runs: whether it is well, what it does in figures. It sees every room, and none sees it."""
