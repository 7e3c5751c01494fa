"""Sends events with Segment's client for Python, as it comes from PyPI, and prints the ids of what it sent."""

import json
import sys

from segment.analytics.client import Client


def main() -> int:
    host, write_key, count, packing = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    failures = []
    client = Client(
        write_key,
        host=host,
        gzip=packing == "gzip",
        on_error=lambda error, items: failures.append((str(error), len(items))),
        max_queue_size=count * 2,
    )
    sent = []
    for n in range(count):
        message_id = f"python-{packing}-{n}"
        user = f"python-user-{n % 20}"
        if n % 10 == 0:
            client.identify(user, {"plan": "gold"}, message_id=message_id)
        elif n % 10 == 1:
            client.page(user, "shop", "Home", message_id=message_id)
        elif n % 10 == 2:
            client.group(user, "household-1", message_id=message_id)
        else:
            client.track(user, "Product Viewed", {"product_id": f"p{n % 50}"}, message_id=message_id)
        sent.append(message_id)
    client.flush()
    client.join()
    for error, n_items in failures:
        print(f"segment-analytics-python: {n_items} events: {error}", file=sys.stderr)
    print(json.dumps(sent))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
