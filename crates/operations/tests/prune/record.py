"""Has Borg decide which archives of random timelines to prune: record.py SEED COUNT > timelines.jsonl

One JSON array a line: time zone, now, {rule: count}, [[time of an archive, what keeps it or ""], ...] in manifest order.
Needs Borg's Python environment. The file beside this one was made with the arguments 1 150.
"""
import json, os, random, sys, time
from collections import namedtuple
from datetime import datetime, timedelta, timezone

from borg.helpers import misc

ZONES = ["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Pacific/Auckland", "America/New_York"]
Archive = namedtuple("Archive", "name id ts")
FORMAT = "%Y-%m-%dT%H:%M:%S.%f"


class Clock(datetime):
    moment = None

    @classmethod
    def now(cls, tz=None):
        return cls.moment


misc.datetime = Clock


def timeline(rng):
    zone = rng.choice(ZONES)
    os.environ["TZ"] = zone
    time.tzset()
    year = rng.randrange(2005, 2036)
    # Turns of years and changes of the clock deserve a closer look.
    month, day = rng.choice([(1, 1), (12, 31), (3, 28), (10, 28), (rng.randrange(1, 13), rng.randrange(1, 28))])
    moment = datetime(year, month, day, rng.choice([0, 1, 2, 3, 23]), tzinfo=timezone.utc)
    moment += timedelta(microseconds=rng.randrange(86_400_000_000))
    unit = 10 ** rng.uniform(0, 6.8)
    times = []
    for _ in range(rng.choice([0, 1, 2, 5, 10, 20, 40])):
        times.append(moment)
        if rng.random() > 0.05:
            moment -= timedelta(seconds=unit * rng.expovariate(1))
    rng.shuffle(times)
    Clock.moment = max(times, default=moment) + timedelta(seconds=rng.uniform(-2, 5) * unit)
    counts = {}
    for rule in misc.PRUNING_PATTERNS:
        if rng.random() < 0.35:
            counts[rule] = rng.choice([-1, 0, 1, 1, 2, 3, 4, 7, 12])
    if rng.random() < 0.3:
        counts["within"] = rng.choice([1, 24, 24 * 7, 24 * 31, 24 * 365, int(unit * 5 / 3600) + 1])
    archives = [Archive(f"{number:04}", number, ts) for number, ts in enumerate(times)]
    newest_first = sorted(archives, key=lambda archive: archive.ts)
    newest_first.reverse()
    because = {}
    if counts.get("within"):
        misc.prune_within(newest_first, counts["within"], because)
    for rule in misc.PRUNING_PATTERNS:
        if rule in counts:
            misc.prune_split(newest_first, rule, counts[rule], because)
    kept = ["%s #%d" % because[archive.id] if archive.id in because else "" for archive in archives]
    rows = [[ts.strftime(FORMAT), reason] for ts, reason in zip(times, kept)]
    return [zone, Clock.moment.strftime(FORMAT), counts, rows]


rng = random.Random(int(sys.argv[1]))
for _ in range(int(sys.argv[2])):
    print(json.dumps(timeline(rng), separators=(",", ":")))
