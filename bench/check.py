#!/usr/bin/env python3
"""Compares the benchmarks of this commit with those of the last accepted one, in pairs.

usage: check.py [BASE]      BASE is a commit; by default the upstream main branch, or the parent of HEAD where both are one

Both commits are built, then every benchmark runs in turn for one and the other, three rounds, so that a drift of the
machine's speed hits both: Criterion's by their medians, the fold by the rates that it prints. A benchmark fails when the
median of the three ratios is worse than -20 %. Benchmarks that only one of the commits has are named and not compared, nor
are load tools. Nothing is kept but the folder `.cache/bench`.
"""
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = ROOT / '.cache' / 'bench'
ROUNDS = 3
LOAD_TOOLS = {'log_load'}
SLOWER_MAX = 1 / 0.8  # A throughput of -20 % is a time of +25 %.


def git(*args):
    return subprocess.run(['git', *args], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def base_commit():
    if len(sys.argv) > 1:
        return git('rev-parse', sys.argv[1])
    head = git('rev-parse', 'HEAD')
    for name in ('origin/main', 'HEAD~1'):
        try:
            commit = git('rev-parse', '--verify', '--quiet', name)
        except subprocess.CalledProcessError:
            continue
        if commit != head:
            return commit
    return None


def benches(tree):
    """The benchmark executables of a commit, built."""
    out = subprocess.run(['cargo', 'bench', '--workspace', '--benches', '--no-run', '--message-format=json'], cwd=tree,
                         check=True, stdout=subprocess.PIPE, text=True, env=environment()).stdout
    found = {}
    for line in out.splitlines():
        message = json.loads(line)
        target = message.get('target', {})
        if message.get('executable') and 'bench' in target.get('kind', []) and target['name'] not in LOAD_TOOLS:
            found[target['name']] = (message['executable'], pathlib.Path(message['manifest_path']).parent)
    return found


def environment():
    """Both commits share one target folder, so that dependencies are compiled once, and are built alike: without the
    link-time optimisation, which takes half of a release build."""
    return {**os.environ, 'CARGO_TARGET_DIR': str(CACHE / 'target'), 'CARGO_PROFILE_BENCH_LTO': 'off',
            'CARGO_PROFILE_BENCH_CODEGEN_UNITS': '16'}


def run(bench, home):
    """Runs one executable and returns the median time of each of its benchmarks in nanoseconds, and 1e9 over each printed rate."""
    executable, folder = bench
    shutil.rmtree(home, ignore_errors=True)
    printed = subprocess.run(
        [executable, '--bench', '--noplot', '--warm-up-time', '1', '--measurement-time', '2', '--sample-size', '20'],
        cwd=folder, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, 'CRITERION_HOME': str(home)}).stdout
    times = {name: 1e9 / float(rate) for name, rate in re.findall(r'^(.+), 1/s +([0-9.]+)$', printed, re.M)}
    for path in home.rglob('new/estimates.json'):
        name = str(path.parent.parent.relative_to(home))
        times[name] = json.loads(path.read_text())['median']['point_estimate']
    return times


def main():
    base = base_commit()
    if base is None:
        print('bench-check: there is no earlier commit to compare with')
        return 0
    CACHE.mkdir(parents=True, exist_ok=True)
    tree = CACHE / 'base'
    subprocess.run(['git', 'worktree', 'remove', '--force', str(tree)], cwd=ROOT, capture_output=True)
    git('worktree', 'add', '--detach', str(tree), base)
    try:
        ours, theirs = benches(ROOT), benches(tree)
        failed = compare(ours, theirs)
    finally:
        git('worktree', 'remove', '--force', str(tree))
    return 1 if failed else 0


def compare(ours, theirs):
    for name in sorted(ours.keys() ^ theirs.keys()):
        print(f'{name}: only in {"this commit" if name in ours else "the base"}, not compared')
    ratios = {}
    for name in sorted(ours.keys() & theirs.keys()):
        for _ in range(ROUNDS):
            new, old = run(ours[name], CACHE / 'new'), run(theirs[name], CACHE / 'old')
            for case in new.keys() & old.keys():
                ratios.setdefault(f'{name}/{case}', []).append(new[case] / old[case])
    failed = [case for case, pairs in ratios.items() if statistics.median(pairs) > SLOWER_MAX]
    for case, pairs in sorted(ratios.items()):
        print(f'{case}: time x{statistics.median(pairs):.3f} of the base ({", ".join(f"{r:.3f}" for r in pairs)})'
              + ('  SLOWER' if case in failed else ''))
    print(f'bench-check: {len(ratios)} compared, {len(failed)} slower by more than 20 %')
    return failed


if __name__ == '__main__':
    sys.exit(main())
