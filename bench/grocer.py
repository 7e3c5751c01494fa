#!/usr/bin/env python3
"""A simulated grocer's year, ordered by its own rule and by Souk: lost sales and waste, on the same shoppers.

The simulation is `grocery-sim` 0.1.7 (PyPI, MIT). It has no place for another policy, so one line of its yearly loop, the level that a
product is ordered up to, asks this script instead; the shoppers' randomness is keyed by shopper and day and stays the same. Souk sees what a
shop sees: each Monday evening the write-offs, deliveries, till's receipts and shelf counts of each day of the week come in by file, and
`souk replenish` says what to order. The first four weeks are the shop's own in both, and what Souk orders first comes on day 36: until then both are
the same to the unit, so `since` counts what was lost and wasted from that day on. Cash and shelf space cut both policies' orders as the simulation does.

    python3 -m venv .cache/grocer && .cache/grocer/bin/pip install duckdb pulp openpyxl numpy pandas
    .cache/grocer/bin/pip install --no-deps grocery-sim==0.1.7
    cargo build --release --package souk
    .cache/grocer/bin/python bench/grocer.py target/release/souk 1,2,3 0.998

The arguments are the program, seeds, and the share of what is wanted that is to be served; a fourth, such as `0.99,1.01`, tries the shop's own rule
with so many times its level as well, which says how much of a difference is chance. (`--no-deps`: the package asks for a newer numpy than
some Pythons have, and for a notebook that nothing here needs.)
"""

import csv
import datetime
import inspect
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import grocery_sim.phase3 as phase3
from grocery_sim import events, keys
from grocery_sim.settings import resolve
from grocery_sim.world import World

FIRST_DAY = datetime.date(2025, 1, 1)
OWN_WEEKS = 4
SETTINGS = """\
data: {{dir: {folder}/data}}
privacy: {{default_jurisdiction: us}}
clock: {{standing_at: "{now}"}}
locations: [{{id: shop}}]
inventory: {{lead_time_days: 1, review_days: 7, fill_rate: {fill_rate}}}
"""
# A shopper who takes less than is wanted is recorded as a stock-out also where it is the purse that was empty and not the shelf.
THEIR_CAUSE = '"cause": "stockout",'
OUR_CAUSE = '"cause": "stockout", "emptied": bool(inv[j] < 1),'
# The line that sets a level, and what takes its place.
THEIRS = "tgt = cm * Dw * sh"
OURS = "tgt = souk_level((w, t, j), (writeoffs, proc, receipts, invsnap), (inv, cm * Dw * sh))"


class Shop:
    """A data folder that the week's facts come into."""

    def __init__(self, souk, fill_rate):
        self.souk, self.fill_rate = souk, fill_rate
        self.folder = Path(tempfile.mkdtemp(prefix="grocer-"))
        self.told_until, self.orders = 0, {}

    def run(self, now, *args):
        settings = self.folder / "souk.yaml"
        settings.write_text(SETTINGS.format(folder=self.folder, now=now, fill_rate=self.fill_rate))
        command = [self.souk, "--config", str(settings), "--output", "json", *args]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(command)}: {done.stderr}")
        return json.loads(done.stdout)

    def level(self, place, told, shelf):
        """The level that a product is ordered up to on the evening of a day."""
        (world, t, sku), (inventory, own) = place, shelf
        if t <= 7 * OWN_WEEKS:
            return own
        if t != self.told_until:
            self.week(world, t, told)
        return inventory[sku] + self.orders.get(world.uid[sku], 0)

    def week(self, world, t, told):
        files = []
        if not self.told_until:
            ids = dict.fromkeys(row["uid"] for row in told[-1])
            files.append(self.write("products.csv", "product_id,title", [(uid, uid) for uid in ids]))
        for number in range(self.told_until + 1, t + 1):
            files += self.day(number, told)
        # The day is over, and the next one begins.
        now = f"{date(t + 1)}T00:30:00Z"
        self.run(now, "import", *files)
        lines = self.run(now, "replenish", "--location", "shop")["lines"]
        self.orders = {line["product_id"]: line["quantity"] for line in lines}
        self.told_until = t

    def day(self, number, told):
        """The files of a day, in the order of its hours: what was thrown away, what came, what was sold, what is left."""
        write_offs, deliveries, receipts, counts = told
        of_day = lambda rows, name: [row for row in rows if row[name] == number]
        day = date(number)
        lost = [moved("Stock Written Off", (row["uid"], row["units"]), f"{day}T06:00:00Z") for row in of_day(write_offs, "t")]
        came = [moved("Stock Received", (row["uid"], row["qty"]), f"{day}T07:00:00Z") for row in of_day(deliveries, "delivery_t")]
        sold = [(row["receipt_id"], row["uid"], f"{day}T{row['hour']:02}:30:00Z", row["qty"], row["qty"] * row["unit_price"], "shop")
                for row in of_day(receipts, "t") if row["qty"] > 0]
        left = [(row["uid"], "shop", row["on_hand"], f"{day}T23:45:00Z") for row in of_day(counts, "t")]
        if lost + came:
            path = self.folder / f"moved-{number}.jsonl"
            path.write_text("".join(json.dumps(event) + "\n" for event in lost + came))
            yield str(path)
        if sold:
            yield self.write(f"orders-{number}.csv", "order_id,product_id,timestamp,quantity,amount,location_id", sold)
        yield self.write(f"stock-{number}.csv", "product_id,location_id,quantity,timestamp", left)

    def write(self, name, head, rows):
        with open(self.folder / name, "w", newline="") as file:
            file.write(head + "\n")
            csv.writer(file).writerows(rows)
        return str(self.folder / name)


def date(number):
    return FIRST_DAY + datetime.timedelta(days=number - 1)


def moved(event, line, at):
    product, quantity = line
    properties = {"product_id": product, "location_id": "shop", "quantity": quantity}
    return {"type": "track", "event": event, "messageId": f"{event} {product} {at}", "timestamp": at, "properties": properties}


def first_day_of_souk():
    """The day on which the first order comes that the two policies may decide differently."""
    decides = next(t for t in range(7 * OWN_WEEKS + 1, 7 * OWN_WEEKS + 8) if date(t).weekday() == phase3.PHASE3["restock_weekday"])
    return decides + phase3.PHASE3["lead_days"]


def units(rows, name):
    """Of rows of a year, and of those since the policies differ."""
    since = rows[rows.t >= first_day_of_souk()] if len(rows) else rows
    return tuple(int(some[name].sum()) if len(some) else 0 for some in (rows, since))


def year(seed, level=None):
    """A year of the shop; `level` decides in the place of its owner."""
    settings = resolve({"basic": {"random_seed": seed}})
    keys.MASTER_SEED = seed
    composed = events.compose(basic=settings["basic"], events=settings["events"],
                              potential_investment=settings["potential_investment"])
    world = World(scenario=composed)
    source = inspect.getsource(phase3.run_year)
    if source.count(THEIRS) != 1 or source.count(THEIR_CAUSE) != 1:
        sys.exit("this version of grocery-sim sets its levels or counts elsewhere; 0.1.7 is the one that is known")
    source = source.replace(THEIR_CAUSE, OUR_CAUSE)
    names = dict(vars(phase3), souk_level=level)
    exec(compile("from __future__ import annotations\n" + (source.replace(THEIRS, OURS) if level else source), "run_year", "exec"), names)
    done = names["run_year"](world=world)
    hidden, wasted, stock = done["hidden"], done["write_offs"], done["inventory"]
    lost = hidden[hidden.cause == "stockout"]
    return {
        "lost": units(lost, "qty"),
        "of the shelf": units(lost[lost.emptied == True], "qty"),  # noqa: E712, a column of objects
        "wasted": units(wasted, "units"),
        "sold": int(done["conservation"]["sold"].sum()),
        "stock": float(stock.groupby("t").on_hand.sum().mean()),
        "profit": done["realized_after_tax"],
    }


def times(factor):
    """The shop's own level, so many times as high."""
    return lambda _place, _told, shelf: factor * shelf[1]


def main():
    souk, seeds, fill_rate = sys.argv[1], [int(seed) for seed in sys.argv[2].split(",")], float(sys.argv[3])
    twice = ["lost", "of the shelf", "wasted"]
    heads = [f"{name:>12}  {'since':>6}" for name in twice]
    print(f"{'seed':>4}  {'policy':8}  {'  '.join(heads)}  {'sold':>7}  {'stock':>7}  {'profit':>9}")
    own = [(f"own*{factor}", times(float(factor))) for factor in sys.argv[4].split(",")] if len(sys.argv) > 4 else []
    for seed in seeds:
        for name, level in [("own", None), *own, ("souk", Shop(souk, fill_rate).level)]:
            got = year(seed, level)
            cells = [f"{got[name][0]:12}  {got[name][1]:6}" for name in twice]
            print(f"{seed:4}  {name:8}  {'  '.join(cells)}  {got['sold']:7}  {got['stock']:7.0f}  {got['profit']:9.0f}", flush=True)


main()
