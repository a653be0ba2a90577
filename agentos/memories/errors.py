"""Why a memory is not made or changed.

MemoryRefused
+-- InvalidMemory      a field has a value that cannot be used
+-- TooManyMemories    a person has a limited number of them
+-- MemoryIsOff        its person has not turned it on
+-- NoSuchMemory       there is none of this number
"""

from agentos.core.http.errors import Problem


class MemoryRefused(Problem):
    status = 409

    def __init__(self, sentence: str) -> None:
        super().__init__(self.status, sentence)


class InvalidMemory(MemoryRefused):
    status = 422
    code = "invalid_fields"

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class TooManyMemories(MemoryRefused):
    code = "too_many_memories"


class MemoryIsOff(MemoryRefused):
    code = "memory_off"


class NoSuchMemory(MemoryRefused):
    status = 404
    code = "memory_not_found"
