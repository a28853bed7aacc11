"""Defines how SES tells what became of mails: by events, of which rules make tasks that name a mail and nobody.

What SES says of a mail has its address in it. The rules pass on two ids, so no queue ever holds an address.
"""

import json
from typing import Any

from chalicelib.shop.mails.task_kinds import RECORD_BOUNCED_MAIL, RECORD_SENT_MAIL, RECORD_UNWANTED_MAIL

Json = dict[str, Any]

_DEFAULT_BUS = "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/default"

TOLD: dict[str, tuple[str, str, Json]] = {
    "MailSentRule": ("Email Sent", RECORD_SENT_MAIL, {}),
    "MailBouncedRule": ("Email Bounced", RECORD_BOUNCED_MAIL, {"bounce": {"bounceType": ["Permanent"]}}),
    "MailUnwantedRule": ("Email Complaint Received", RECORD_UNWANTED_MAIL, {}),
}
"""The rules: which event of SES, and what else must be true of it, becomes which task."""


def _rule(event: str, task: str, more: Json) -> Json:
    of_ours = {"mail": {"tags": {"ses:configuration-set": [{"Ref": "MailEvents"}]}}}
    template = f'{{"kind": {json.dumps(task)}, "stream_id": <mail>, "cause": <message>}}'
    return {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "Description": f"cloudbash: {event} becomes the task {task}",
            "EventPattern": {"source": ["aws.ses"], "detail-type": [event], "detail": of_ours | more},
            "Targets": [
                {
                    "Id": "mail-queue",
                    "Arn": {"Fn::GetAtt": ["MailQueue", "Arn"]},
                    "InputTransformer": {
                        "InputPathsMap": {"mail": "$.detail.mail.tags.mail[0]", "message": "$.detail.mail.messageId"},
                        "InputTemplate": template,
                    },
                }
            ],
        },
    }


def _may_send() -> Json:
    """Let these rules, and nothing else of EventBridge, send to the queue."""
    rules = [{"Fn::GetAtt": [name, "Arn"]} for name in TOLD]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": {"Fn::GetAtt": ["MailQueue", "Arn"]},
        "Condition": {"ArnEquals": {"aws:SourceArn": rules}},
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    properties = {"Queues": [{"Ref": "MailQueue"}], "PolicyDocument": document}
    return {"Type": "AWS::SQS::QueuePolicy", "Properties": properties}


RESOURCES: Json = {
    "MailEvents": {
        "Type": "AWS::SES::ConfigurationSet",
        "Properties": {
            "Name": {"Fn::Sub": "cloudbash-${Stage}"},
            "SendingOptions": {"SendingEnabled": True},
            "ReputationOptions": {"ReputationMetricsEnabled": True},
            # Not complaints: who calls a reminder unwanted still gets the tickets that were bought.
            "SuppressionOptions": {"SuppressedReasons": ["BOUNCE"]},
        },
    },
    "MailEventsToTheBus": {
        "Type": "AWS::SES::ConfigurationSetEventDestination",
        "Properties": {
            "ConfigurationSetName": {"Ref": "MailEvents"},
            "EventDestination": {
                "Name": "event-bus",
                "Enabled": True,
                "MatchingEventTypes": ["SEND", "BOUNCE", "COMPLAINT"],
                "EventBridgeDestination": {"EventBusArn": {"Fn::Sub": _DEFAULT_BUS}},
            },
        },
    },
    **{name: _rule(*told) for name, told in TOLD.items()},
    "MailQueuePolicy": _may_send(),
}
