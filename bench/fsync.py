#!/usr/bin/env python3
"""Times 1,000 synced writes of 4 KiB in a folder: what the disk itself takes. usage: fsync.py FOLDER"""
import os
import sys
import time

path = os.path.join(sys.argv[1], 'fsync')
file = os.open(path, os.O_CREAT | os.O_WRONLY)
times = []
for _ in range(1000):
    os.write(file, b'x' * 4096)
    start = time.perf_counter()
    os.fsync(file)
    times.append((time.perf_counter() - start) * 1e3)
os.close(file)
os.remove(path)
times.sort()
print(f'fsync of 4 KiB: p50 {times[500]:.2f} ms, p99 {times[990]:.2f} ms')
