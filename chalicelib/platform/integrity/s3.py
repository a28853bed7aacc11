"""Stores signed documents in a versioned S3 bucket with Object Lock, where one can be hidden but never lost."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from itertools import groupby
from typing import Any

from chalicelib.platform.aws.conditional import put_object_if_absent
from chalicelib.platform.aws.failures import failures_as_unavailable
from chalicelib.platform.failures import Failure
from chalicelib.platform.integrity.heads import ArchivedDocument

_PREFIX = "heads/"
_LAST_NUMBER = 10**12 - 1
_FETCHED_AT_ONCE = 8


class S3Archive:
    """Stores documents as `heads/<shard>/<number>`.

    The number counts down from 999999999999: S3 lists by name, so the newest comes first.
    """

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def newest(self, shard_id: str) -> ArchivedDocument | None:
        with _archive_failures():
            page = self._client.list_objects_v2(Bucket=self._bucket, Prefix=f"{_PREFIX}{shard_id}/", MaxKeys=1)
        found = page.get("Contents", [])
        return self._fetch(found[0]["Key"]) if found else None

    def put(self, shard_id: str, number: int, document: bytes) -> bool:
        key = f"{_PREFIX}{shard_id}/{_LAST_NUMBER - number:012d}"
        with _archive_failures():
            return put_object_if_absent(self._client.put_object, Bucket=self._bucket, Key=key, Body=document)

    def documents(self) -> Iterator[ArchivedDocument]:
        with ThreadPoolExecutor(_FETCHED_AT_ONCE) as pool:
            for _, group in groupby(enumerate(self._places()), key=lambda place: place[0] // (_FETCHED_AT_ONCE * 4)):
                yield from pool.map(lambda place: self._fetch(*place[1]), group)

    def _places(self) -> Iterator[tuple[str, str, bool]]:
        """Give each key, the id of its first version, and whether there is more: other versions, or delete markers."""
        for key, group in groupby(self._versions(), key=lambda version: version["Key"]):
            versions = list(group)
            documents = [version["VersionId"] for version in versions if "ETag" in version]
            if documents:
                yield key, documents[-1], len(versions) > 1

    def _versions(self) -> Iterator[Any]:
        """List versions by key, those of one key newest first, as S3 lists them."""
        with _archive_failures():
            pages = self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=_PREFIX)
            for page in pages:
                listed = [*page.get("DeleteMarkers", []), *page.get("Versions", [])]
                yield from sorted(listed, key=lambda version: version["Key"])

    def _fetch(self, key: str, version_id: str | None = None, was_touched: bool = False) -> ArchivedDocument:
        version = {"VersionId": version_id} if version_id else {}
        with _archive_failures():
            document = self._client.get_object(Bucket=self._bucket, Key=key, **version)["Body"].read()
        shard_id, _, counted_down = key.removeprefix(_PREFIX).rpartition("/")
        return ArchivedDocument(shard_id, _LAST_NUMBER - int(counted_down), document, was_touched)


def _archive_failures() -> AbstractContextManager[None]:
    return failures_as_unavailable("The archive of signed heads", otherwise=Failure.MISCONFIGURED)
