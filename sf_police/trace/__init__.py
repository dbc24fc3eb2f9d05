"""One record's way from end to end: in the file, in the topic, in a micro-batch, and in the store. Without Spark."""
