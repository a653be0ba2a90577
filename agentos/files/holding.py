"""Who holds a blob or an attachment: any row of any room that refers to it by a foreign key. When such a row goes, what it held is looked
at by the next sweep; when a blob goes, its bytes go with it. However a row is deleted: with its chat, its owner, or in the admin."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from django.db.models import Exists, ForeignKey, Model, OuterRef, Q, QuerySet
from django.db.models.signals import post_delete

from agentos.core import clock
from agentos.files import storage
from agentos.files.models import Attachment, Blob, Slice

Held = type[Blob] | type[Attachment]


def references(model: Held) -> "list[tuple[type[Model], ForeignKey[Any, Any]]]":
    """The foreign keys to it, each with its model."""
    found: Any = [each for each in model._meta.related_objects if not each.many_to_many]  # noqa: SLF001
    return [(each.related_model, each.field) for each in found]


def unheld(model: Held) -> "QuerySet[Any]":
    """Return those that no row refers to."""
    found = model.objects.order_by("pk")
    for holder, key in references(model):
        found = found.filter(~Exists(holder._default_manager.filter(**{key.name: OuterRef("pk")})))  # noqa: SLF001
    return found


def release(model: Held, keys: Iterable[int]) -> None:
    """Let the next sweep look whether anybody still holds these. For whoever points a row at another blob; deletions say it themselves."""
    now = clock.now()
    model.objects.filter(Q(sweep_after=None) | Q(sweep_after__lt=now), pk__in=list(keys)).update(sweep_after=now)


def watch() -> None:
    for model in (Blob, Attachment):
        for holder, key in references(model):
            name = f"{model.__name__}:{holder.__name__}:{key.name}"
            let_go = partial(_let_go, model=model, column=key.attname)
            post_delete.connect(let_go, sender=holder, weak=False, dispatch_uid=name)
    post_delete.connect(_blob_is_gone, sender=Blob, weak=False, dispatch_uid="blob is gone")
    post_delete.connect(_slice_is_gone, sender=Slice, weak=False, dispatch_uid="slice is gone")


def _let_go(*, instance: Model, model: Held, column: str, **_: Any) -> None:
    if key := getattr(instance, column):
        release(model, [key])


def _blob_is_gone(*, instance: Blob, **_: Any) -> None:
    storage.remove_on_commit(instance.stored_names)


def _slice_is_gone(*, instance: Slice, **_: Any) -> None:
    storage.remove_on_commit([instance.storage_name])
