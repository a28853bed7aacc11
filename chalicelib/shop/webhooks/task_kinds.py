"""The kinds of tasks that webhooks handle, as the messages of their queue name them."""

ANNOUNCE_ORDER = "announce_order"
ANNOUNCE_CONCERT = "announce_concert"
ANNOUNCE_ERASURE = "announce_erasure"
DELIVER_WEBHOOKS = "deliver_webhooks"
REPLAY_WEBHOOKS = "replay_webhooks"
REDELIVER_WEBHOOK = "redeliver_webhook"
TEST_WEBHOOK = "test_webhook"
