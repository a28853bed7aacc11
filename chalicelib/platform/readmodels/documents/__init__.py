"""Read models in DynamoDB, with one JSON document for each stream."""
