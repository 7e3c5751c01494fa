#!/usr/bin/env python3
"""Accuracy of `souk forecast --model auto` beside the automatic models of statsforecast 2.1.1, on every series of a set.

usage: forecast_rivals.py SOUK TRAIN.csv TEST.csv SEASON [counts]     (in a Python with statsforecast==2.1.1)

Prints sMAPE and MASE as `souk evaluate forecast` does. With `counts` the rivals are Croston-SBA, TSB and IMAPA with normal
intervals (the mean and z times the standard deviation of their one-step errors), and the mean pinball loss of the quantiles
.5, .75, .9, .95 and .99 is printed too. TEST.csv is read once the forecasts are made. A series that a rival cannot fit counts with
its last value.
"""
import subprocess, sys, tempfile, time, warnings

warnings.filterwarnings('ignore')
import numpy as np
import pandas as pd
from scipy.stats import norm
from statsforecast.models import AutoARIMA, AutoETS, AutoTheta, CrostonSBA, IMAPA, TSB

souk, train_path, test_path, season = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
is_counts = 'counts' in sys.argv[5:]
SHARES = [.5, .75, .9, .95, .99]


def load(path):
    frame = pd.read_csv(path)
    return {key: group.y.to_numpy(float) for key, group in frame.groupby('unique_id', sort=False)}


train, later = load(train_path), pd.read_csv(test_path, usecols=['unique_id']).unique_id
sizes = later.value_counts()
keys = [key for key in train if key in sizes.index]
horizon = int(sizes.max())
folder = tempfile.mkdtemp()
pd.concat([pd.DataFrame({'unique_id': key, 'ds': range(1, len(train[key]) + 1), 'y': train[key]}) for key in keys]).to_csv(
    f'{folder}/train.csv', index=False)


def ours():
    start = time.time()
    subprocess.run([souk, 'forecast', '--input', f'{folder}/train.csv', '--horizon', str(horizon), '--season-length', str(season),
                    '--quantiles', ','.join(map(str, SHARES)), '--out', f'{folder}/out.csv'], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    out = pd.read_csv(f'{folder}/out.csv')
    names = ['mean'] + [f'q-{share}' for share in SHARES]
    return {key: group[names].to_numpy() for key, group in out.groupby('unique_id', sort=False)}, time.time() - start


def theirs(model):
    found, failed, start = {}, 0, time.time()
    for key in keys:
        y = train[key]
        try:
            answer = model.forecast(y=y, h=horizon, fitted=is_counts)
            mean = answer['mean']
            deviation = np.nanstd(y - answer['fitted']) if is_counts else 0.
        except Exception:
            failed, mean, deviation = failed + 1, np.repeat(y[-1], horizon), 0.
        found[key] = np.column_stack([mean] + [mean + norm.ppf(share) * deviation for share in SHARES])
    return found, failed, time.time() - start


rivals = [('Croston-SBA', CrostonSBA()), ('TSB', TSB(alpha_d=.2, alpha_p=.2)), ('IMAPA', IMAPA())] if is_counts else [
    ('AutoETS', AutoETS(season_length=season)), ('AutoTheta', AutoTheta(season_length=season)),
    ('AutoARIMA', AutoARIMA(season_length=season))]
made = [('souk auto', *ours()[:1], 0)] + [(name, *theirs(model)[:2]) for name, model in rivals]
test = load(test_path)
print(f'{len(keys)} series of {train_path.rsplit("/", 1)[-1]}, horizon {horizon}, season {season}')
print(f'{"":12} {"sMAPE":>8} {"MASE":>8}' + (f' {"pinball":>8}' if is_counts else ''))
for name, found, failed in made:
    smape, mase, pinball = [], [], []
    for key in keys:
        y = test[key]
        f = found[key][:len(y)]
        size = np.abs(y) + np.abs(f[:, 0])
        smape.append(np.where(size > 0, 200 * np.abs(y - f[:, 0]) / np.where(size > 0, size, 1), 0).mean())
        scale = np.abs(train[key][season:] - train[key][:-season]).mean() if len(train[key]) > season else 0
        if scale > 0:
            mase.append(np.abs(y - f[:, 0]).mean() / scale)
        under = y[:, None] - f[:, 1:]
        pinball.append(np.where(under >= 0, np.array(SHARES) * under, (np.array(SHARES) - 1) * under))
    row = f'{name:12} {np.mean(smape):8.3f} {np.mean(mase):8.4f}'
    if is_counts:
        row += f' {np.concatenate(pinball).mean():8.4f}'
    print(row + (f'   ({failed} could not be fitted)' if failed else ''))
