"""The tests. A class is a subject, a method's name finishes the sentence."""
