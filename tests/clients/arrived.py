"""Compares the ids that clients say they sent with an export of the log: each must be there exactly once."""

import json
import sys
from collections import Counter
from pathlib import Path


def main() -> int:
    export, *sent_files = map(Path, sys.argv[1:])
    with export.open(encoding="utf-8") as lines:
        stored = Counter(json.loads(line).get("messageId") for line in lines)
    is_good = bool(sent_files)
    for file in sent_files:
        sent = json.loads(file.read_text(encoding="utf-8"))
        missing = [message_id for message_id in sent if stored[message_id] == 0]
        twice = [message_id for message_id in sent if stored[message_id] > 1]
        print(f"clients: {file.stem}: {len(sent)} sent, {len(missing)} missing, {len(twice)} more than once")
        for message_id in (missing + twice)[:5]:
            print(f"clients:   {message_id}: {stored[message_id]} times", file=sys.stderr)
        is_good = is_good and len(sent) > 0 and len(set(sent)) == len(sent) and not missing and not twice
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
