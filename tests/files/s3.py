"""A server that speaks S3's protocol, on this machine, with a bucket."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

BUCKET = "agentos-files"
KEY = "a-key"
SECRET = "its-secret"


@dataclass
class Server:
    url: str
    client: Any

    def options(self) -> dict[str, Any]:
        """Those of the storage, as settings of the environment make them."""
        keys = {"access_key": KEY, "secret_key": SECRET}
        return {"bucket_name": BUCKET, "endpoint_url": self.url, "region_name": "us-east-1", "location": "a-site", **keys}

    def names(self) -> set[str]:
        return {each["Key"] for each in self.client.list_objects_v2(Bucket=BUCKET).get("Contents", ())}


@contextmanager
def running() -> Iterator[Server]:
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        keys = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET}
        client = boto3.client("s3", endpoint_url=url, region_name="us-east-1", **keys)
        client.create_bucket(Bucket=BUCKET)
        yield Server(url, client)
    finally:
        server.stop()
