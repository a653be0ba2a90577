"""What stands between the network and the application: connections, their limits and deadlines, open files, memory."""
