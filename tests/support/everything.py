"""Everything that a stack stores, as bytes: tables, bus, queues, buckets, Redis, Postgres, and every file of theirs."""

import base64
import hashlib
import json
import unicodedata
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import boto3
import duckdb
import psycopg
import redis

from chalicelib.platform.search.letters import plain
from local.stack import Stack

Found = tuple[str, bytes]
"""Where something is stored, and what."""


def everything_stored(stack: Stack, directory: Path) -> Iterator[Found]:
    """All stores of the stack; `directory` takes what has to be unpacked."""
    yield from _tables()
    yield from _bus(stack.environment["EVENT_BUS"])
    yield from _queues()
    yield from _buckets(directory)
    yield from _redis(stack.environment["REDIS_URL"])
    yield from _postgres(stack.environment["DATABASE_URL"])
    yield from _files(stack.data_directory)
    yield from _mails(stack.mail_folder)


def forms_of(*texts: str) -> set[bytes]:
    """How somebody's name or address may be written in a store: in any case, encoding or digest that is usual."""
    found: set[bytes] = set()
    for text in {form for one in texts for form in _spellings(one)}:
        found |= {text.encode(), text.encode("utf-16-le"), json.dumps(text)[1:-1].encode(), quote(text).encode()}
        found |= {hashlib.new(name, text.encode()).hexdigest().encode() for name in ("md5", "sha1", "sha256")}
        for padding in range(3):  # base64 writes the same bytes in three ways, by where they begin
            whole = base64.b64encode(b"\0" * padding + text.encode())
            found.add(whole[4 * bool(padding) : len(whole) - 4])
    return {form for form in found if len(form) >= len(b"shortest")}


def places_of(forms: set[bytes], stored: Iterator[Found]) -> list[tuple[str, bytes]]:
    """Where any of the forms is found, and which."""
    return [(place, form) for place, content in stored for form in forms if form in content]


def _spellings(text: str) -> Iterator[str]:
    for normal in ("NFC", "NFD"):
        form = unicodedata.normalize(normal, text)
        yield from (form, form.lower(), form.upper(), form.casefold(), plain(form))


def _tables() -> Iterator[Found]:
    dynamodb = boto3.client("dynamodb")
    for name in dynamodb.list_tables()["TableNames"]:
        for page in dynamodb.get_paginator("scan").paginate(TableName=name):
            yield f"table {name}", json.dumps(page["Items"], default=repr, ensure_ascii=False).encode()


def _bus(stream: str) -> Iterator[Found]:
    kinesis = boto3.client("kinesis")
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while True:
            page = kinesis.get_records(ShardIterator=iterator)
            if not page["Records"]:
                break
            yield from (("bus", record["Data"]) for record in page["Records"])
            iterator = page["NextShardIterator"]


def _queues() -> Iterator[Found]:
    sqs = boto3.client("sqs")
    for url in sqs.list_queues().get("QueueUrls", []):
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0).get(
            "Messages", []
        ):
            yield f"queue {url}", message["Body"].encode()


def _buckets(directory: Path) -> Iterator[Found]:
    """Files as they are, and archived events as they are read."""
    s3 = boto3.client("s3")
    for bucket in s3.list_buckets()["Buckets"]:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket["Name"]):
            for listed in page.get("Contents", []):
                content = s3.get_object(Bucket=bucket["Name"], Key=listed["Key"])["Body"].read()
                yield f"bucket {listed['Key']}", content
                if listed["Key"].endswith(".parquet"):
                    file = directory / f"{uuid4()}.parquet"  # DuckDB remembers what a path had
                    file.write_bytes(content)
                    rows = duckdb.execute("select * from read_parquet(?)", [str(file)]).fetchall()
                    yield from ((f"archive {listed['Key']}", repr(row).encode()) for row in rows)


def _redis(url: str) -> Iterator[Found]:
    cache = redis.Redis.from_url(url)
    for key in cache.scan_iter():
        yield "redis", bytes(key) + repr(cache.dump(key)).encode()


def _postgres(url: str) -> Iterator[Found]:
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "select schemaname, tablename from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"
        ).fetchall()
        for schema, table in tables:
            for (row,) in connection.execute(f'select t::text from "{schema}"."{table}" t'.encode()):  # noqa: S608
                yield f"postgres {schema}.{table}", row.encode()


def _mails(folder: Path) -> Iterator[Found]:
    """Mails as they are, and as they are read."""
    for file in folder.rglob("*.eml"):
        content = file.read_bytes()
        yield str(file), content
        message = message_from_bytes(content, policy=default)
        yield str(file), " ".join(str(value) for _, value in message.items()).encode()
        yield from (
            (str(file), part.get_content().encode()) for part in message.walk() if part.get_content_maintype() == "text"
        )


def _files(directory: Path) -> Iterator[Found]:
    """What the servers have on disk, write-ahead logs and their own logs included."""
    for file in directory.rglob("*"):
        if file.is_file():
            yield str(file), file.read_bytes()
