"""Stands in for Lambda's poller of an SQS queue: delivers batches, deletes what is done, and returns what failed."""

import hashlib
import json
import logging
from typing import Any

from chalice.local import LambdaContext

from local.invocation import MEMORY_MB, TIMEOUT_MS, Mapping
from local.resources import ACCOUNT, REGION

log = logging.getLogger("local.pump")

AT_ONCE = 10


class QueuePoller:
    """Polls one queue for one function."""

    def __init__(self, mapping: Mapping, sqs: Any, url: str) -> None:
        self.mapping = mapping
        self._sqs = sqs
        self._url = url
        self._arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{url.rpartition('/')[2]}"

    def step(self, wait: int = 0, retry_after: int = 0) -> bool:
        """Deliver one batch, and tell whether there was one. Failed messages come again after `retry_after` seconds."""
        reply = self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=min(AT_ONCE, self.mapping.batch_size),
            WaitTimeSeconds=wait,
            MessageSystemAttributeNames=["All"],
        )
        messages = reply.get("Messages", [])
        if messages:
            failed = self._failed(messages)
            for message in messages:
                self._settle(message, message["MessageId"] in failed, retry_after)
        return bool(messages)

    def _settle(self, message: Any, failed: bool, retry_after: int) -> None:
        handle = {"QueueUrl": self._url, "ReceiptHandle": message["ReceiptHandle"]}
        if failed:
            self._sqs.change_message_visibility(**handle, VisibilityTimeout=retry_after)
        else:
            self._sqs.delete_message(**handle)

    def _failed(self, messages: list[Any]) -> set[str]:
        """Return the ids of the messages that failed; all of them if the handler raised."""
        event = json.dumps({"Records": [self._record(message) for message in messages]})
        try:
            answer = self.mapping.handler(json.loads(event), LambdaContext(self.mapping.name, MEMORY_MB, TIMEOUT_MS))
        except (Exception, SystemExit):
            log.exception("%s failed with a batch of %d", self.mapping.name, len(messages))
            return {message["MessageId"] for message in messages}
        return {item["itemIdentifier"] for item in (answer or {}).get("batchItemFailures", [])}

    def _record(self, message: Any) -> dict[str, Any]:
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message.get("Attributes", {}),
            "messageAttributes": {},
            "md5OfBody": hashlib.md5(message["Body"].encode(), usedforsecurity=False).hexdigest(),
            "eventSource": "aws:sqs",
            "eventSourceARN": self._arn,
            "awsRegion": REGION,
        }
