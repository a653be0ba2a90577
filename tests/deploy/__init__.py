"""What stands before and around the server in production: the files in deploy/."""
