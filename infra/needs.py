"""Translates a function's needs to AWS: the settings that it reads, and what it may do with which resource."""

from dataclasses import dataclass
from typing import Any

from chalicelib.platform.function import Need

Json = dict[str, Any]


@dataclass(frozen=True)
class Grant:
    """Allows actions on one resource, in the policy's terms. With a `condition`, only stages for which it holds have
    it.
    """

    actions: tuple[str, ...]
    resource: Json
    condition: str = ""


@dataclass(frozen=True)
class Provision:
    """Holds the environment and the permissions of one need."""

    environment: Json
    grants: tuple[Grant, ...] = ()


def ref(logical_id: str) -> Json:
    """Refer to a parameter, or to a resource by the identifier that CloudFormation returns."""
    return {"Ref": logical_id}


def arn_of(logical_id: str, attribute: str = "Arn") -> Json:
    """Refer to a resource by its ARN."""
    return {"Fn::GetAtt": [logical_id, attribute]}


def inside(logical_id: str, path: str) -> Json:
    """Refer to a part of a resource."""
    return {"Fn::Sub": f"${{{logical_id}.Arn}}/{path}"}


_LOG = {"EVENTS_TABLE": ref("EventsTable")}
_MARKS = {"MARKS_TABLE": ref("MarksTable")}
_PARKING = {"PARKED_TABLE": ref("ParkedTable")}
_READ_TABLE = {"READ_TABLE": ref("ReadTable")}
_PROCESSES = {"PROCESS_TABLE": ref("ProcessTable")}
_COUNTERS = {"COUNTERS_TABLE": ref("CountersTable")}
_BUS = {"EVENT_BUS": ref("EventBus")}
_KEEP = ("dynamodb:GetItem", "dynamodb:PutItem")
_SECRET = ("secretsmanager:GetSecretValue",)
_ENDPOINT = {"Fn::Sub": "https://${RestAPI}.execute-api.${AWS::Region}.${AWS::URLSuffix}/api"}
"""Where the API is, unless it has a domain of its own."""

_SES = "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}"
_SENDING = ("ses:SendEmail", "ses:SendRawEmail")
"""Mails go as the bytes that we made, which wants the second one, whatever the operation is called."""

PROVISIONS: dict[Need, Provision] = {
    Need.APPEND: Provision(
        _LOG | _MARKS | {"SNAPSHOTS_TABLE": ref("SnapshotsTable"), "APPEND_WITH": ref("AppendWith")},
        (
            Grant(("dynamodb:GetItem", "dynamodb:PartiQLInsert", "dynamodb:Query"), arn_of("EventsTable")),
            Grant(_KEEP, arn_of("SnapshotsTable")),
        ),
    ),
    Need.READ_LOG: Provision(_LOG, (Grant(("dynamodb:Query",), arn_of("EventsTable")),)),
    Need.RAISE_EPOCHS: Provision(
        _MARKS, (Grant(("dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate"), arn_of("MarksTable")),)
    ),
    Need.CACHE_SOLD_OUT: Provision(_MARKS, (Grant(("dynamodb:GetItem", "dynamodb:UpdateItem"), arn_of("MarksTable")),)),
    Need.LOOK_UP: Provision(_LOG, (Grant(("dynamodb:BatchGetItem",), arn_of("EventsTable")),)),
    Need.CATCH_UP: Provision(
        _LOG | _PARKING,
        (
            Grant(("dynamodb:Query",), arn_of("EventsTable")),
            Grant(("dynamodb:DeleteItem", *_KEEP), arn_of("ParkedTable")),
        ),
    ),
    Need.SET_ASIDE: Provision(_PARKING, (Grant(("dynamodb:PutItem",), arn_of("ParkedTable")),)),
    Need.PUBLISH: Provision(_BUS, (Grant(("kinesis:PutRecords",), arn_of("EventBus")),)),
    Need.PROBE_BUS: Provision(_BUS, (Grant(("kinesis:DescribeStreamSummary",), arn_of("EventBus")),)),
    Need.READ_DOCUMENTS: Provision(
        _READ_TABLE,
        (
            Grant(("dynamodb:BatchGetItem", "dynamodb:GetItem"), arn_of("ReadTable")),
            Grant(("dynamodb:Query",), inside("ReadTable", "index/ByOwner")),
        ),
    ),
    Need.WRITE_DOCUMENTS: Provision(_READ_TABLE, (Grant(_KEEP, arn_of("ReadTable")),)),
    Need.POSTGRES: Provision(
        {"DATABASE_URL": ref("DatabaseUrl"), "DATABASE_SECRET_ID": ref("DatabaseSecretId")},
        (Grant(_SECRET, ref("DatabaseSecretId")),),
    ),
    Need.REDIS: Provision({"REDIS_URL": ref("RedisUrl")}),
    Need.TOKENS: Provision(
        {
            "JWKS_URL": ref("JwksUrl"),
            "JWT_ISSUER": ref("JwtIssuer"),
            "JWT_AUDIENCE": ref("JwtAudience"),
            "STAFF_MFA": ref("StaffMfa"),
            "GUEST_KEY_SECRET_ID": ref("GuestKey"),
            "GUEST_MINUTES": ref("GuestMinutes"),
        },
        (Grant(_SECRET, ref("GuestKey")),),
    ),
    Need.PERSON_KEYS: Provision(
        {"PERSON_KEYS_TABLE": ref("PersonKeysTable"), "MASTER_KEY_ID": arn_of("MasterKey")},
        (
            Grant(("dynamodb:BatchGetItem", *_KEEP), arn_of("PersonKeysTable")),
            Grant(("kms:Decrypt", "kms:Encrypt"), arn_of("MasterKey")),
        ),
    ),
    Need.ERASE_PEOPLE: Provision(
        {
            "PERSON_KEYS_TABLE": ref("PersonKeysTable"),
            "MASTER_KEY_ID": arn_of("MasterKey"),
            "USER_POOL_ARN": ref("UserPoolArn"),
            **_READ_TABLE,
        },
        (
            Grant(("dynamodb:GetItem",), arn_of("ReadTable")),
            Grant(("dynamodb:Query",), inside("ReadTable", "index/ByOwner")),
            Grant(("dynamodb:PutItem",), arn_of("PersonKeysTable")),
            Grant(("cognito-idp:AdminDeleteUser",), ref("UserPoolArn"), "HasUserPool"),
        ),
    ),
    Need.DEADLINES: Provision(
        {
            "HOLD_MINUTES": ref("HoldMinutes"),
            "PAYMENT_MINUTES": ref("PaymentMinutes"),
            "COOL_DOWN_MINUTES": ref("CoolDownMinutes"),
            "OPEN_CARTS": ref("OpenCarts"),
            "HELD_PER_CONCERT": ref("HeldPerConcert"),
            "UNPAID_ORDERS": ref("UnpaidOrders"),
            "CART_BURST": ref("CartBurst"),
            "QUERY_PATIENCE": ref("QueryPatience"),
        }
    ),
    Need.PAYMENTS: Provision(
        {
            "PAYMENT_PROVIDERS": ref("PaymentProviders"),
            "STRIPE_SECRET_ID": ref("StripeSecretId"),
            "PAYMENT_RETURN_URL": ref("PaymentReturnUrl"),
            "SANDBOX_TABLE": ref("SandboxTable"),
            "SANDBOX_SECRET_ID": ref("SandboxSecret"),
            **_COUNTERS,
        },
        (
            Grant(_KEEP, arn_of("SandboxTable")),
            Grant(_SECRET, ref("SandboxSecret")),
            Grant(_SECRET, ref("StripeSecretId"), "HasStripe"),
            Grant(("dynamodb:UpdateItem",), arn_of("CountersTable"), "HasStripe"),
        ),
    ),
    Need.LIST_PAYMENTS: Provision({}, (Grant(("dynamodb:Scan",), arn_of("SandboxTable")),)),
    Need.LIMIT_DECLINES: Provision(
        _COUNTERS
        | {
            "DECLINES_PER_CUSTOMER": ref("DeclinesPerCustomer"),
            "DECLINES_PER_ADDRESS": ref("DeclinesPerAddress"),
            "DECLINE_MINUTES": ref("DeclineMinutes"),
        },
        (Grant(("dynamodb:GetItem", "dynamodb:UpdateItem"), arn_of("CountersTable")),),
    ),
    Need.LIMIT_GUESTS: Provision(
        _COUNTERS
        | {
            "GUESTS_PER_ADDRESS": ref("GuestsPerAddress"),
            "GUEST_WINDOW_MINUTES": ref("GuestWindowMinutes"),
            "GUEST_TICKETS_PER_ADDRESS": ref("GuestTicketsPerAddress"),
        },
        (Grant(("dynamodb:UpdateItem",), arn_of("CountersTable")),),
    ),
    Need.ENQUEUE: Provision({"WORK_QUEUE_URL": ref("WorkQueue")}, (Grant(("sqs:SendMessage",), arn_of("WorkQueue")),)),
    Need.ENQUEUE_WEBHOOKS: Provision(
        {"WEBHOOK_QUEUE_URL": ref("WebhookQueue")}, (Grant(("sqs:SendMessage",), arn_of("WebhookQueue")),)
    ),
    Need.DELIVER_WEBHOOKS: Provision(
        _PROCESSES | _READ_TABLE,
        (
            Grant(_KEEP, arn_of("ProcessTable")),
            Grant(_KEEP, arn_of("ReadTable")),
            Grant(("dynamodb:Query",), inside("ReadTable", "index/ByOwner")),
        ),
    ),
    Need.OVERDUE_WEBHOOKS: Provision(
        _PROCESSES,
        (
            Grant(("dynamodb:UpdateItem",), arn_of("ProcessTable")),
            Grant(("dynamodb:Query",), inside("ProcessTable", "index/ByDueTime")),
        ),
    ),
    Need.ENQUEUE_MAILS: Provision(
        {"MAIL_QUEUE_URL": ref("MailQueue")}, (Grant(("sqs:SendMessage",), arn_of("MailQueue")),)
    ),
    Need.SEND_MAILS: Provision(
        {
            "MAIL_FROM": ref("MailFrom"),
            "MAIL_NAME": ref("MailName"),
            "MAIL_EVENTS": ref("MailEvents"),
            "PUBLIC_SHOP_URL": ref("ShopUrl"),
            "PUBLIC_API_URL": {"Fn::If": ["HasApiUrl", ref("ApiUrl"), _ENDPOINT]},
            **_PROCESSES,
        },
        (
            Grant(_KEEP, arn_of("ProcessTable")),
            Grant(_SENDING, ref("MailIdentityArn"), "HasMail"),
            Grant(_SENDING, {"Fn::Sub": f"{_SES}:configuration-set/${{MailEvents}}"}),
        ),
    ),
    Need.OVERDUE_MAILS: Provision(
        _PROCESSES,
        (
            Grant(("dynamodb:UpdateItem",), arn_of("ProcessTable")),
            Grant(("dynamodb:Query",), inside("ProcessTable", "index/ByDueTime")),
        ),
    ),
    Need.READ_PERSONS: Provision(
        {"PERSON_KEYS_TABLE": ref("PersonKeysTable"), "MASTER_KEY_ID": arn_of("MasterKey")},
        (
            Grant(("dynamodb:GetItem",), arn_of("PersonKeysTable")),
            Grant(("kms:Decrypt",), arn_of("MasterKey")),
        ),
    ),
    Need.SEAL_SECRETS: Provision(
        {"MASTER_KEY_ID": arn_of("MasterKey")}, (Grant(("kms:Decrypt",), arn_of("MasterKey")),)
    ),
    Need.COUNT_TASKS: Provision(
        {"WORK_QUEUE_URL": ref("WorkQueue")}, (Grant(("sqs:GetQueueAttributes",), arn_of("WorkQueue")),)
    ),
    Need.DERIVE_IDS: Provision({"ID_KEY_SECRET_ID": ref("IdKeySecretId")}, (Grant(_SECRET, ref("IdKeySecretId")),)),
    Need.SIGN_TICKETS: Provision(
        {"TICKET_KEY_SECRET_ID": ref("TicketKeySecretId")}, (Grant(_SECRET, ref("TicketKeySecretId")),)
    ),
    Need.SIGN_PASSES: Provision(
        {"WALLETS_SECRET_ID": ref("WalletsSecretId")}, (Grant(_SECRET, ref("WalletsSecretId"), "HasWallets"),)
    ),
    Need.PRINT_TICKETS: Provision(
        {"PAPER_FUNCTION": ref("PrintTickets")}, (Grant(("lambda:InvokeFunction",), arn_of("PrintTickets")),)
    ),
    Need.PAPER: Provision({}),
    Need.PROCESSES: Provision(_PROCESSES, (Grant(_KEEP, arn_of("ProcessTable")),)),
    Need.OVERDUE_PROCESSES: Provision(
        _PROCESSES,
        (
            Grant(("dynamodb:GetItem", "dynamodb:UpdateItem"), arn_of("ProcessTable")),
            Grant(("dynamodb:Query",), inside("ProcessTable", "index/ByDueTime")),
        ),
    ),
    Need.VERIFY_LOG: Provision(
        _LOG | _PARKING | {"EVENTS_STREAM_ARN": arn_of("EventsTable", "StreamArn")},
        (
            Grant(
                ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"),
                arn_of("EventsTable", "StreamArn"),
            ),
            Grant(("dynamodb:Query", "dynamodb:Scan"), arn_of("EventsTable")),
            Grant(("dynamodb:DeleteItem", *_KEEP, "dynamodb:Scan"), arn_of("ParkedTable")),
        ),
    ),
    Need.VERIFY_DOCUMENTS: Provision(_READ_TABLE, (Grant(("dynamodb:BatchGetItem", *_KEEP), arn_of("ReadTable")),)),
    Need.VERIFY_PROCESSES: Provision(_PROCESSES, (Grant(("dynamodb:BatchGetItem", *_KEEP), arn_of("ProcessTable")),)),
    Need.SIGN_HEADS: Provision(
        {"HEADS_BUCKET": ref("HeadsBucket"), "SIGNING_KEY_ID": arn_of("SigningKey")},
        (
            Grant(("s3:ListBucket",), arn_of("HeadsBucket")),
            Grant(("s3:GetObject", "s3:PutObject"), inside("HeadsBucket", "heads/*")),
            Grant(("kms:Sign",), arn_of("SigningKey")),
        ),
    ),
    Need.WRITE_REGISTERS: Provision(
        {"HEADS_BUCKET": ref("HeadsBucket"), "CERTIFICATE_MINUTES": ref("CertificateMinutes")},
        (Grant(("s3:GetObject", "s3:PutObject"), inside("HeadsBucket", "sold/*")),),
    ),
    Need.READ_REGISTERS: Provision(
        {"HEADS_BUCKET": ref("HeadsBucket")}, (Grant(("s3:GetObject",), inside("HeadsBucket", "sold/*")),)
    ),
    Need.ARCHIVE: Provision(
        {"ARCHIVE_BUCKET": ref("ArchiveBucket")}, (Grant(("s3:PutObject",), inside("ArchiveBucket", "events/*")),)
    ),
}
