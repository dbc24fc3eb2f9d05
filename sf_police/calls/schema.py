"""Names of a call's fields, and of the columns derived from them. Nothing here computes anything."""

from __future__ import annotations

from typing import Final

from sf_police.question import Field

CRIME_ID: Final = "crime_id"
CRIME_TYPE_NAME: Final = "original_crime_type_name"
CALL_DATE_TIME: Final = "call_date_time"
DISPOSITION: Final = "disposition"

# In file order. A call cannot be counted without the four required fields. Names and codes are far shorter than this;
# the limits are what every store can index.
FIELDS: Final = (
    Field(CRIME_ID, is_required=True),
    Field(CRIME_TYPE_NAME, is_required=True, max_bytes=1_000),
    Field("report_date"),
    Field("call_date"),
    Field("offense_date"),
    Field("call_time"),
    Field(CALL_DATE_TIME, is_required=True),  # wall clock of San Francisco, no offset
    Field(DISPOSITION, is_required=True, max_bytes=500),
    Field("address"),
    Field("city"),
    Field("state"),
    Field("agency_id"),
    Field("address_type"),
    Field("common_location"),
)

# Derived columns.
CRIME_TYPE: Final = "crime_type"
RESOLUTION: Final = "resolution"
CALLS: Final = "calls"
