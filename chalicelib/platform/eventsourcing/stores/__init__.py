"""The event stores: one port and one contract, in DynamoDB and in memory."""
