#!/usr/bin/env python3
"""Forecasts of `souk forecast` beside statsforecast 2.1.1: accuracy, agreement and speed, one thread each.

usage: forecast.py PROGRAM TRAIN.csv TEST.csv SEASON [N_SERIES] [MODEL,MODEL]     (in a Python with statsforecast==2.1.1)

Speed is processor time of fit and forecast, of the calls alone for statsforecast (its import takes seconds and is left out).
PROGRAM is `souk`, of which the whole process counts (start, reading and writing included), or the crate's example `means`
(`cargo build --release -p souk-forecast --example means`), which tells the time of its calls alone: calls beside calls.
"""
import os, resource, subprocess, sys, tempfile, time, warnings

warnings.filterwarnings('ignore')
os.environ['NIXTLA_ID_AS_COL'] = '1'
import numpy as np
import pandas as pd
from statsforecast.models import (AutoARIMA, AutoCES, AutoETS, CrostonSBA, DynamicOptimizedTheta, DynamicTheta, IMAPA,
                                  OptimizedTheta, Theta)

souk, train_path, test_path, season = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
n_series = int(sys.argv[5]) if len(sys.argv) > 5 else 100
wanted = sys.argv[6].split(',') if len(sys.argv) > 6 else None


def load(path):
    frame = pd.read_csv(path)
    return {key: group.y.to_numpy(float) for key, group in frame.groupby('unique_id', sort=False)}


train, test = load(train_path), load(test_path)
# Evenly over the file, which is often sorted by kind.
keys = [key for key in train if key in test]
keys = [keys[i * len(keys) // n_series] for i in range(n_series)] if len(keys) > n_series else keys
horizon = max(len(test[key]) for key in keys)
small = tempfile.mkdtemp()
frame = pd.concat([pd.DataFrame({'unique_id': key, 'ds': range(1, len(train[key]) + 1), 'y': train[key]}) for key in keys])
frame.to_csv(f'{small}/train.csv', index=False)


def measures(found):
    smape, mase = [], []
    for key in keys:
        y, f = test[key], found[key][:len(test[key])]
        scale = np.abs(train[key][season:] - train[key][:-season]).mean()
        size = np.abs(y) + np.abs(f)
        smape.append(np.where(size > 0, 200 * np.abs(y - f) / np.where(size > 0, size, 1), 0).mean())
        if scale > 0:
            mase.append(np.abs(y - f).mean() / scale)
    return np.mean(smape), np.mean(mase)


def calls(model):
    out = subprocess.run([souk, f'{small}/train.csv', str(horizon), str(season), model, f'{small}/out.csv'], check=True,
                         capture_output=True, text=True)
    frame = pd.read_csv(f'{small}/out.csv')
    return {key: group['mean'].to_numpy() for key, group in frame.groupby('unique_id', sort=False)}, float(out.stdout)


def ours(model):
    if os.path.basename(souk).startswith('means'):
        return calls(model)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([souk, 'forecast', '--input', f'{small}/train.csv', '--horizon', str(horizon), '--season-length', str(season),
                    '--model', model, '--no-intervals', '--threads', '1', '--out', f'{small}/out.csv'], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    out = pd.read_csv(f'{small}/out.csv')
    return {key: group['mean'].to_numpy() for key, group in out.groupby('unique_id', sort=False)}, seconds


def theirs(model):
    found, start = {}, time.process_time()
    for key in keys:
        try:
            found[key] = model.forecast(y=train[key], h=horizon)['mean']
        except Exception:  # Too short for it: the last value, as its own fallback would.
            found[key] = np.repeat(train[key][-1], horizon)
    return found, time.process_time() - start


pairs = [('ets', AutoETS(season_length=season)), ('standard_theta', Theta(season_length=season)),
         ('optimised_theta', OptimizedTheta(season_length=season)), ('dynamic_theta', DynamicTheta(season_length=season)),
         ('dynamic_optimised_theta', DynamicOptimizedTheta(season_length=season)), ('ces', AutoCES(season_length=season)),
         ('sba', CrostonSBA()), ('imapa', IMAPA()), ('arima', AutoARIMA(season_length=season))]
print(f'{len(keys)} series of {os.path.basename(train_path)}, horizon {horizon}, season {season}')
print('model                     sMAPE ours/theirs    MASE ours/theirs   within 1e-4  within 1e-2   series/s ours/theirs   times')
for name, model in pairs:
    if wanted and name not in wanted:
        continue
    (a, ta), (b, tb) = ours(name), theirs(model)
    off = np.array([np.max(np.abs(a[k] - b[k]) / np.maximum(np.abs(b[k]), 1e-9)) for k in keys])
    (sa, ma), (sb, mb) = measures(a), measures(b)
    print(f'{name:24} {sa:8.3f} {sb:8.3f}    {ma:7.4f} {mb:7.4f}      {np.mean(off < 1e-4):5.0%}       {np.mean(off < 1e-2):5.0%}'
          f'     {len(keys) / ta:9.1f} {len(keys) / tb:9.1f}   {tb / ta:6.1f}', flush=True)
if wanted and 'auto' not in wanted:
    sys.exit()
a, ta = ours('auto')
sa, ma = measures(a)
print(f'{"auto":24} {sa:8.3f}             {ma:7.4f}                                        {len(keys) / ta:9.1f}')
