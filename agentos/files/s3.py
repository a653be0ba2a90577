"""S3, and whatever speaks its protocol, as a storage for ``STORAGES``: the extra ``s3``. Its options are those of django-storages.

One client serves all threads: it is made for that, while a session for each thread, which django-storages makes, takes ten megabytes.
What is put goes from its file in one request; a part of an object is fetched as a part. An object that is not there is a
``FileNotFoundError``; whatever else goes wrong is ``NotReached``, and said in the log.
"""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any

from django.core.files.base import ContentFile, File

from agentos.core import repeated
from agentos.files.errors import NotReached

try:
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError
    from storages.backends.s3 import S3Storage
except ImportError as error:
    msg = "What speaks to S3 is not installed: pip install 'agentos-django[s3]'."
    raise ImportError(msg) from error

PIECE = 256 * 1024  # bytes
# A store that is away is known to be within a quarter of a minute. Checksums of its own only where the protocol asks for them: many
# servers that speak it know no others.
WAY = Config(
    connect_timeout=3,
    read_timeout=15,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=20,
    tcp_keepalive=True,
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)


@contextmanager
def reached(name: str) -> Iterator[None]:
    """Raises FileNotFoundError, NotReached."""
    try:
        yield
    except ClientError as error:
        about = error.response.get("Error", {}).get("Code", "")
        if about in {"NoSuchKey", "404"}:
            raise FileNotFoundError(name) from error
        raise _not_reached(error) from error
    except BotoCoreError as error:
        raise _not_reached(error) from error


def _not_reached(error: Exception) -> NotReached:
    repeated.warn("s3", "Files in S3 cannot be kept or read: %s: %s", type(error).__name__, error)
    return NotReached()


class Storage(S3Storage):  # type: ignore[misc]  # says nothing about its types
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.client_config: Any = WAY.merge(self.client_config)
        self._lock = threading.Lock()
        self._resource: Any = None

    @property
    def connection(self) -> Any:
        with self._lock:
            if self._resource is None:
                how = {"region_name": self.region_name, "use_ssl": self.use_ssl, "endpoint_url": self.endpoint_url, "verify": self.verify}
                self._resource = self._create_session().resource("s3", config=self.client_config, **how)
            return self._resource

    def pieces(self, name: str, start: int, end: int) -> Iterator[bytes]:
        with reached(name), closing(self._get(name, Range=f"bytes={start}-{end - 1}")) as body:
            yield from body.iter_chunks(PIECE)

    def trouble(self) -> str:
        """Say what keeps it from being used, after having used it; nothing where all is well."""
        try:
            key = self._key("agentos/probe")
            self._client.put_object(Bucket=self.bucket_name, Key=key, Body=b"here")
            with closing(self._client.get_object(Bucket=self.bucket_name, Key=key)["Body"]) as body:
                is_there = body.read() == b"here"
            self._client.list_objects_v2(Bucket=self.bucket_name, Prefix=key, MaxKeys=1)
            self._client.delete_object(Bucket=self.bucket_name, Key=key)
        except (BotoCoreError, ClientError) as error:
            return f"{type(error).__name__}: {error}"
        return "" if is_there else "It gave back other bytes than it was given."

    def exists(self, name: str) -> bool:
        try:
            self.size(name)
        except FileNotFoundError:
            return False
        return True

    def size(self, name: str) -> int:
        return int(self._head(name)["ContentLength"])

    def get_modified_time(self, name: str) -> datetime:
        found: datetime = self._head(name)["LastModified"]
        return found

    def delete(self, name: str) -> None:
        with reached(name):
            self._client.delete_object(Bucket=self.bucket_name, Key=self._key(name))

    def listdir(self, name: str) -> tuple[list[str], list[str]]:
        with reached(name):
            found: tuple[list[str], list[str]] = super().listdir(name)
            return found

    def _open(self, name: str, mode: str = "rb") -> "File[bytes]":
        """All of it at once: nothing that is kept is larger than a server has room for."""
        if mode != "rb":
            msg = "What is kept is never changed."
            raise ValueError(msg)
        with reached(name), closing(self._get(name)) as body:
            return ContentFile(body.read(), name)

    def _save(self, name: str, content: "File[bytes]") -> str:
        key = self._key(name)
        content.seek(0)
        with reached(name):
            self._client.put_object(Bucket=self.bucket_name, Key=key, Body=content.file, **self._get_write_parameters(key, content))
        return name

    def _get(self, name: str, **more: str) -> Any:
        return self._client.get_object(Bucket=self.bucket_name, Key=self._key(name), **more)["Body"]

    def _head(self, name: str) -> Any:
        with reached(name):
            return self._client.head_object(Bucket=self.bucket_name, Key=self._key(name))

    def _key(self, name: str) -> str:
        return str(self._normalize_name(name))

    @property
    def _client(self) -> Any:
        return self.connection.meta.client
