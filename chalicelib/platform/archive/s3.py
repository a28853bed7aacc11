"""Stores the files of the archive in an S3 bucket."""

import shutil
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from chalicelib.platform.archive.layout import PREFIX, ArchivedFile
from chalicelib.platform.aws.failures import failures_as_unavailable
from chalicelib.platform.errors import Unavailable
from chalicelib.platform.failures import Failure

_DELETED_AT_ONCE = 1000


class S3Files:
    """Stores one object a file. Whatever S3 refuses is Unavailable, so the archive waits and loses nothing."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, key: str, content: Path) -> None:
        with _archive_failures(), content.open("rb") as body:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body)

    def fetch(self, key: str, target: Path) -> None:
        with _archive_failures(), target.open("wb") as opened:
            try:
                body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"]
            except self._client.exceptions.NoSuchKey as gone:
                raise Unavailable(f"{key} is gone: it was merged into another file. Ask again.") from gone
            shutil.copyfileobj(body, opened)

    def listed(self) -> list[ArchivedFile]:
        with _archive_failures():
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=PREFIX)
            return [ArchivedFile(found["Key"], found["Size"]) for page in pages for found in page.get("Contents", [])]

    def delete(self, keys: list[str]) -> None:
        for start in range(0, len(keys), _DELETED_AT_ONCE):
            objects = [{"Key": key} for key in keys[start : start + _DELETED_AT_ONCE]]
            with _archive_failures():
                reply = self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": objects, "Quiet": True})
            if reply.get("Errors"):
                raise Unavailable("The archive refuses to delete files.")


def _archive_failures() -> AbstractContextManager[None]:
    return failures_as_unavailable("The archive of events", otherwise=Failure.MISCONFIGURED)
