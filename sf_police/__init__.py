"""San Francisco police calls for service: a file, a Kafka topic, a Spark stream, one answer."""

__version__ = "1.0.0"
