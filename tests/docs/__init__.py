"""The examples of docs/ are run as they stand there."""
