"""The passages whose vectors are nearest to a question's: exactly, over all passages of the bases that are searched.

PostgreSQL compares them itself where it can (``pgvector.py``). Else what was read of a base is kept until its passages change, up to a
limit of all bases together.
"""

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from threading import Lock
from typing import Any

from agentos.knowledge import embedding, pgvector
from agentos.knowledge.indexing import begun
from agentos.knowledge.models import Base, Chunk

NEAREST = 60
KEPT_BYTES = 256_000_000
BLOCK = 20_000  # rows that are multiplied in one go


@dataclass(frozen=True, slots=True)
class _Kept:
    """``key``: of what: the model, the version of the base, and how long its vectors are. ``matrix``: a row a passage, as 16-bit floats."""

    key: tuple[str, int, int]
    pks: Any
    matrix: Any


_kept: "OrderedDict[int, _Kept]" = OrderedDict()
_lock = Lock()


def nearest(bases: Collection[int], vector: bytes) -> dict[int, float]:
    """Return the passages nearest to this vector with their likeness, from -1 to 1. Database work."""
    model = embedding.model()
    if pgvector.is_used():
        return pgvector.nearest(bases, (model, begun(model)), vector, NEAREST)
    import numpy as np  # noqa: PLC0415 - of an extra; nobody has vectors without it

    asked = np.frombuffer(vector, dtype="<f2").astype(np.float32)
    found: list[tuple[float, int]] = []
    for base, version in Base.objects.filter(pk__in=bases).values_list("pk", "version"):
        kept = _of(base, (model, version, len(asked)))
        for first in range(0, len(kept.pks), BLOCK):
            likeness = kept.matrix[first : first + BLOCK].astype(np.float32) @ asked
            best = np.argpartition(-likeness, NEAREST)[:NEAREST] if len(likeness) > NEAREST else range(len(likeness))
            found += [(float(likeness[place]), int(kept.pks[first + place])) for place in best]
    return {pk: likeness for likeness, pk in sorted(found, reverse=True)[:NEAREST]}


def _of(base: int, key: tuple[str, int, int]) -> _Kept:
    import numpy as np  # noqa: PLC0415

    with _lock:
        if (known := _kept.get(base)) and known.key == key:
            _kept.move_to_end(base)
            return known
    model, _version, width = key
    rows = Chunk.objects.filter(base=base, document__embedding__in=(model, begun(model)), vector__isnull=False)
    pks: list[int] = []
    data = bytearray()
    for pk, vector in rows.order_by().values_list("pk", "vector").iterator(2_000):
        if vector is not None and len(vector) == 2 * width:
            pks.append(pk)
            data += vector
    made = _Kept(key, np.array(pks, dtype=np.int64), np.frombuffer(bytes(data), dtype="<f2").reshape(len(pks), width))
    with _lock:
        _kept[base] = made
        _kept.move_to_end(base)
        while len(_kept) > 1 and sum(each.matrix.nbytes for each in _kept.values()) > KEPT_BYTES:
            _kept.popitem(last=False)
    return made
