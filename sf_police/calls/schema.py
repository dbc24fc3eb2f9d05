"""The event contract: the fields of a call as it travels, and the columns that the pipeline gives it.

To swap in a topic of your own, start here; nothing in this file computes anything.
"""

from __future__ import annotations

from typing import Final

# The fields of a call, in the order in which the file has them. The producer keeps that order, and
# the parser's fast path expects it; a record with other fields or another order takes the strict path.
FIELDS: Final = (
    "crime_id",
    "original_crime_type_name",
    "report_date",
    "call_date",
    "offense_date",
    "call_time",
    "call_date_time",
    "disposition",
    "address",
    "city",
    "state",
    "agency_id",
    "address_type",
    "common_location",
)

CRIME_ID: Final = "crime_id"
CRIME_TYPE_NAME: Final = "original_crime_type_name"
CALL_DATE_TIME: Final = "call_date_time"
DISPOSITION: Final = "disposition"

# Without these four a call cannot be counted.
REQUIRED_FIELDS: Final = (CRIME_ID, CRIME_TYPE_NAME, CALL_DATE_TIME, DISPOSITION)

# The event time as it is written: wall clock of San Francisco, no offset.
CALL_DATE_TIME_PATTERN: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}"
EARLIEST_YEAR: Final = 1990

# Columns of a Kafka-shaped frame, as Spark's source names them.
VALUE: Final = "value"
TOPIC: Final = "topic"
PARTITION: Final = "partition"
OFFSET: Final = "offset"
TIMESTAMP: Final = "timestamp"

# Columns that the pipeline adds.
CALL: Final = "call"
EVENT_TIME: Final = "event_time"
CRIME_TYPE: Final = "crime_type"
RESOLUTION: Final = "resolution"
REASON: Final = "reason"
WINDOW_START: Final = "window_start"
WINDOW_END: Final = "window_end"
CALLS: Final = "calls"

COUNTS: Final = (WINDOW_START, WINDOW_END, CRIME_TYPE, RESOLUTION, CALLS)
REJECTED: Final = (TOPIC, PARTITION, OFFSET, REASON, VALUE)
