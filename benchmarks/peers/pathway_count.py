"""Pathway: groupby and reduce over a table that is read from the topic once, up to its end."""

import json
import os
import sys

import pathway as pw
from counting import say_counted

servers, topic, _, path = sys.argv[1:5]


class Call(pw.Schema):
    """The fields that are counted by."""

    call_date_time: str
    original_crime_type_name: str
    disposition: str


settings = {"bootstrap.servers": servers, "group.id": f"bench-{os.getpid()}", "auto.offset.reset": "earliest"}
calls = pw.io.kafka.read(settings, topic=topic, schema=Call, format="json", mode="static")
time = pw.this.call_date_time.dt.strptime("%Y-%m-%dT%H:%M:%S.%f")
groups = calls.select(
    start=time.dt.floor(pw.Duration(minutes=30)),
    name=pw.this.original_crime_type_name.str.strip(),
    code=pw.this.disposition.str.strip(),
)
counts = groups.groupby(pw.this.start, pw.this.name, pw.this.code).reduce(
    pw.this.start, pw.this.name, pw.this.code, calls=pw.reducers.count()
)
pw.io.jsonlines.write(counts, f"{path}.part")
pw.run(monitoring_level=pw.MonitoringLevel.NONE)
say_counted()
with open(f"{path}.part") as file, open(f"{path}.whole", "w") as out:
    for line in file:
        row = json.loads(line)
        start = row["start"][:19].replace("T", " ")
        if row["diff"] == 1:
            out.write(json.dumps([start, row["name"], row["code"], row["calls"]]) + "\n")
os.replace(f"{path}.whole", path)
