"""Read models of one JSON document for each stream, in DynamoDB."""
