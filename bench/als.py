#!/usr/bin/env python3
"""Implicit factors beside the `implicit` library on the same events: seconds of a fit, and the loss reached.

usage: als.py FACTORS_AT_SCALE [EVENTS.csv]     (the example of souk-recommend, a release build; needs numpy, scipy, implicit)

Both minimise the same sum (examples/factors_at_scale.rs says how one is turned into the other), with 64 factors on two
threads and three steps of conjugate gradients a row. The loss of the library's items is taken with every shopper solved
exactly; that of ours as its own program says it, with shoppers solved by eight steps, so it can only be too high. They take turns.
"""

import os
import subprocess
import sys
import tempfile
import time

os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="2")
import numpy as np
import scipy.sparse as sp
from implicit.cpu.als import AlternatingLeastSquares

CONFIDENCE, PENALTY, FACTORS, THREADS, ROUNDS = 5.0, 2.0, 64, 2, 2
EPOCHS = [2, 4, 8, 12]


def loss(users, items, factors):
    """Ours: (1 - x)^2 of what was taken, 1/(c-1) x^2 of all, one penalty for every row."""
    unobserved, target = 1 / (CONFIDENCE - 1), CONFIDENCE / (CONFIDENCE - 1)
    penalty = PENALTY * unobserved / target
    matrix = factors.astype(np.float64) / np.sqrt(target)
    gram = unobserved * matrix.T @ matrix + penalty * np.eye(FACTORS)
    total = penalty * (matrix**2).sum()
    order = np.argsort(users, kind="stable")
    for taken in np.split(items[order], np.flatnonzero(np.diff(users[order])) + 1):
        rows = matrix[taken]
        sum_of_rows = rows.sum(axis=0)
        user = np.linalg.solve(gram + rows.T @ rows, sum_of_rows)
        # At the minimum the sum is what was taken less the part that is explained.
        total += len(taken) - user @ sum_of_rows
    return total


def main():
    program = sys.argv[1]
    if len(sys.argv) > 2:
        path = sys.argv[2]
    else:
        path = os.path.join(tempfile.mkdtemp(), "events.csv")
        with open(path, "w") as to:
            subprocess.run([program, "events", "12000", "20000"], stdout=to, check=True)
    users, items = np.loadtxt(path, delimiter=",", dtype=np.int64).T
    shape = (users.max() + 1, items.max() + 1)
    matrix = sp.csr_matrix((np.full(len(users), CONFIDENCE, np.float32), (users, items)), shape)
    print(f"{len(users)} events, {shape[0]} shoppers, {shape[1]} items")
    best = {}
    for _ in range(ROUNDS):
        command = [program, "als", path, str(CONFIDENCE), str(PENALTY), *map(str, EPOCHS)]
        for line in subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout.split():
            n, *figures = line.split(",")
            keep(best, ("souk", int(n)), *map(float, figures))
        for n in EPOCHS:
            model = AlternatingLeastSquares(
                factors=FACTORS, regularization=PENALTY, alpha=1.0, iterations=n, num_threads=THREADS, random_state=1)
            began = time.perf_counter(), time.process_time()
            model.fit(matrix, show_progress=False)
            took = time.perf_counter() - began[0], time.process_time() - began[1]
            known = best.get(("implicit", n))
            keep(best, ("implicit", n), *took, known[2] if known else loss(users, items, model.item_factors))
    for (who, n), (clock, processors, at) in sorted(best.items()):
        print(f"{who:9} {n:3} epochs {clock:8.2f} s by the clock {processors:8.2f} s of processors   loss {at:.1f}")


def keep(best, key, clock, processors, at):
    """The fastest of the rounds: others only load the machine."""
    known = best.get(key, (clock, processors, at))
    best[key] = (min(known[0], clock), min(known[1], processors), at)


main()
