"""The commands `fetch` and `follow`: a city's open data into a file, or into the topic as it comes."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sf_police.checks import duration_s
from sf_police.commands.run import Run, say
from sf_police.errors import SfPoliceError, UsageError
from sf_police.how_to import how_to, is_clone
from sf_police.question import number_of

if TYPE_CHECKING:
    from sf_police.feed.feeds import Feed
    from sf_police.feed.follow import Due, DueCall, Follower
    from sf_police.feed.mapping import RowMapping
    from sf_police.feed.socrata import Dataset, Row
    from sf_police.topic.admin import Topic
    from sf_police.topic.clients import KafkaAccess

# How late a call may be at most, by the span of a feed and what a wrong date may add: see docs/live-feed.md.
WATERMARK: Final = "4 days"


def fetch(run: Run, *, first_day: date, last_day: date, force: bool) -> int:
    """Download the calls of some days into a file that `produce` takes."""
    from sf_police.feed.download import download
    from sf_police.feed.feeds import CLOSED, feed_named
    from sf_police.feed.mapping import RowMapping
    from sf_police.lock import locked
    from sf_police.produce.generated_file import ensure_free
    from sf_police.view import progress

    if last_day < first_day:
        raise UsageError(f"--to {last_day} is before --from {first_day}")
    feed = feed_named(run.config.feed or CLOSED)
    mapping, path = RowMapping(feed, run.question), _file_to_write(run, feed, first_day, last_day)
    ensure_free(path, force=force, is_ours=False)
    dataset = _dataset(run, feed)
    start, end = f"{first_day}T00:00:00.000", f"{last_day + timedelta(days=1)}T00:00:00.000"
    refusal = f"another `fetch` is writing {path}"
    with locked(path.with_name(f"{path.name}.lock"), refusal, remedy="wait for it, or stop it"):
        total = dataset.count(start, end)
        started = time.monotonic()
        try:
            with progress.counting("received", total) as on_rows:
                done = download(
                    dataset, mapping, path, start=start, end=end, undecided=run.question.no_vote, on_rows=on_rows
                )
        except KeyboardInterrupt:
            say("what was received is kept; the same command goes on from there")
            raise
    say(
        f"wrote {number_of(done.records, run.question.rows)} of {feed.city} to {path} in "
        f"{time.monotonic() - started:.1f} s; send them with `{how_to('produce')} {'DATA=' * is_clone()}{path}`"
    )
    _say_left_out(done.left_out)
    if done.rows < total:
        say(f"received {done.rows:,} rows, although {dataset.host} had {total:,}: were some removed meanwhile?")
    return 0


def _file_to_write(run: Run, feed: Feed, first_day: date, last_day: date) -> Path:
    folder, path = run.config.state_dir / run.question.defaults.folder, run.config.data
    if path == folder / run.question.defaults.data:
        return folder / f"{feed.name}-{first_day}-{last_day}.json.gz"
    if path.suffix != ".gz":
        raise UsageError(f"DATA={path}: expected a name that ends in .gz, as the file is packed")
    return path


def _dataset(run: Run, feed: Feed) -> Dataset:
    from sf_police.feed.client import FeedClient
    from sf_police.feed.socrata import Dataset

    base = run.config.feed_host or f"https://{feed.host}"
    return Dataset(FeedClient(base, run.config.feed_token, say=say), feed)


def _say_left_out(left_out: Mapping[str, int]) -> None:
    for reason, count in Counter(left_out).most_common(5):
        say(f"left out {number_of(count, 'rows')}: {reason}")


def follow(run: Run, *, once: bool) -> int:
    """Send a feed's calls to the topic, each once it is decided, until interrupted."""
    from sf_police.feed.feeds import LIVE, feed_named
    from sf_police.feed.mapping import RowMapping
    from sf_police.produce import resume
    from sf_police.topic import admin
    from sf_police.topic.clients import kafka_access

    config, access = run.config, kafka_access(run.config)
    feed = feed_named(config.feed or LIVE)
    mapping, open_after = RowMapping(feed, run.question), _open_after(run)
    if not admin.has_topic(access, config.kafka_topic):
        admin.create_topic(access, config.kafka_topic, partitions=config.partitions)
        say(f"topic {config.kafka_topic} created")
    with resume.only_producer(config):
        following = _Following(run, access, mapping, _dataset(run, feed), open_after)
        say(
            f"following {feed.city}'s {feed.dataset} into {config.kafka_topic}, every {config.feed_every}, "
            f"until Ctrl-C; a stream that counts it needs WATERMARK='{WATERMARK}', and a STATE_DIR of its own"
        )
        try:
            while True:
                following.look()
                if once:
                    return 0
                time.sleep(duration_s(config.feed_every))
        finally:
            say(f"sent {number_of(following.sent, run.question.rows)}; the next run goes on from what the topic holds")


def _open_after(run: Run) -> timedelta:
    from sf_police.feed.follow import SPAN

    found = timedelta(seconds=duration_s(run.config.open_after))
    if found >= SPAN:
        hours = SPAN // timedelta(hours=1)
        raise UsageError(
            f"OPEN_AFTER={run.config.open_after}: expected less than {hours} hours, after which a feed forgets a call"
        )
    return found


class _Following:
    """Looks at a feed, and sends what is due."""

    def __init__(
        self, run: Run, access: KafkaAccess, mapping: RowMapping, dataset: Dataset, open_after: timedelta
    ) -> None:
        self._run, self._access, self._mapping, self._dataset = run, access, mapping, dataset
        self._open_after = open_after
        self._max_ahead = timedelta(seconds=duration_s(run.config.max_ahead))
        self._topic = self._described()
        self._position = self._topic.records
        self._follower: Follower | None = None
        self.sent = 0

    def look(self) -> None:
        """Ask the feed once, and send what is due; one that cannot be had for now is said, and asked again later."""
        from sf_police.feed.client import FeedUnavailableError

        try:
            newest = self._newest()
            rows = list(self._rows(newest)) if newest else []
        except FeedUnavailableError as error:
            say(f"{error.what}; it is asked again in {self._run.config.feed_every}")
            return
        if not newest or not rows:
            has = f"{self._dataset.host} has no calls in {self._dataset.feed.dataset}"
            say(f"{has} until {self._until()[:10]}, {self._run.config.max_ahead} after this machine's clock")
            return
        self._follower = self._follower or self._begun(newest)
        found = self._follower.due(rows)
        self._send(found.calls)
        self._follower.sent(found.calls, newest=found.newest)
        say(_line(found))
        _say_left_out(found.left_out)

    def _newest(self) -> str | None:
        from sf_police.feed.mapping import UnmappedRowError

        newest = self._dataset.newest(self._until())
        try:
            return newest and self._mapping.time_of({self._mapping.feed.time: newest})
        except UnmappedRowError as error:
            raise SfPoliceError(f"{self._dataset.host}: {error}", remedy="feeds.json names another column") from error

    def _until(self) -> str:
        # A time further ahead is an error of the feed's, and the stream would reject the call.
        from sf_police.feed.follow import TIME_FORM

        return (datetime.now(UTC) + self._max_ahead).strftime(TIME_FORM)

    def _rows(self, newest: str) -> Iterator[Row]:
        from sf_police.feed.follow import SPAN, back, just_after

        # No further: where calls come in faster than pages, their end would never be reached.
        for page in self._dataset.pages(back(newest, SPAN), just_after(newest)):
            yield from page.rows

    def _begun(self, newest: str) -> Follower:
        from sf_police.feed.follow import SPAN, Follower, back
        from sf_police.feed.sent import sent_calls

        feed, oldest = self._dataset.feed, back(newest, SPAN)
        sent = sent_calls(
            self._access, self._topic, self._run.question, feed=feed.name, oldest=oldest, max_ahead=self._max_ahead
        )
        latest = max(sent.values(), default="")
        if sent:
            say(f"the topic holds {number_of(len(sent), self._run.question.rows)} of late, until {latest}")
        if sent and latest < oldest:
            say(f"those between {latest} and {oldest} have left the feed meanwhile, and are missing here")
        return Follower(self._mapping, open_after=self._open_after, sent=sent)

    def _send(self, calls: Sequence[DueCall]) -> None:
        from sf_police.produce import producer
        from sf_police.produce.json_record import encode
        from sf_police.topic import sending
        from sf_police.topic.record import Record

        if not calls:
            return
        topic = self._described()
        if topic.topic_id != self._topic.topic_id:
            raise SfPoliceError(f"{topic.name} was deleted and made again meanwhile", remedy="run `make follow` again")
        records = [
            Record(self._position + number, call.time, call.id.encode("utf-8", "replace"), encode(dict(call.record)))
            for number, call in enumerate(calls)
        ]
        try:
            with sending.kafka_producer(self._access, topic) as client:
                sent = producer.publish([records], client, partitions=len(topic.partitions))
        except SfPoliceError as error:
            raise SfPoliceError(error.what, remedy="fix that, then run `make follow` again") from error
        self._position += sent.acknowledged
        self.sent += sent.acknowledged

    def _described(self) -> Topic:
        from sf_police.topic import admin
        from sf_police.topic.rights import READ, WRITE

        # What the topic holds already is found out by reading from it.
        return admin.describe_topic(self._access, self._run.config.kafka_topic, needs=[WRITE, READ])


def _line(found: Due) -> str:
    return (
        f"{datetime.now().astimezone():%H:%M:%S}: {number_of(found.rows, 'rows')} until {found.newest}: "
        f"sent {len(found.calls):,}, open {found.waiting:,}"
    )
