"""What a model is asked when a chat gets its title."""

INSTRUCTIONS = """You give conversations their titles. You are shown how one began. Answer with its title and nothing else:
at most six words, in the language of the message, without quotation marks and without a full stop."""
SHOWN = 2_000  # characters of the message, and of the answer: how they begin says what they are about


def question(message: str, answer: str) -> str:
    return f"Message:\n{message[:SHOWN]}\n\nAnswer:\n{answer[:SHOWN]}\n\nTitle:"
