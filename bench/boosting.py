"""What PREDICT is measured against: gradient boosting on hand-written SQL features, each step timed.

Reads {url, type, feature_sql, label_sql, train_anchors, anchor, entities} as JSON from standard input; {t} in the SQL stands for
the anchor. Prints {features, fit, score, scored}: seconds, and how many entities got a score. Straight to Postgres.
"""
import json
import sys
import time
import warnings

import pandas as pd
import psycopg2
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

warnings.filterwarnings('ignore')
job = json.load(sys.stdin)
connection = psycopg2.connect(job['url'])
SETTINGS = dict(random_state=0, learning_rate=0.06, max_leaf_nodes=15, min_samples_leaf=20)


def frame(sql, anchor, *params):
    """One row an entity, as of the anchor."""
    with connection.cursor() as cursor:
        cursor.execute(sql.replace('%', '%%' if params else '%').replace('{t}', f"TIMESTAMP '{anchor}'").replace('?', '%s'), params or None)
        rows = pd.DataFrame(cursor.fetchall(), columns=[column[0] for column in cursor.description])
    return rows.assign(anchor=anchor)


def numbers(rows, codes):
    """Features as floats; text as the number of its category among those seen first."""
    x = rows.drop(columns=['entity', 'anchor', 'label'], errors='ignore').copy()
    for name in x:
        if x[name].dtype == object:
            as_number = pd.to_numeric(x[name], errors='coerce')
            if as_number.notna().any():
                x[name] = as_number
            else:
                known = codes.setdefault(name, {v: i for i, v in enumerate(sorted(x[name].dropna().unique(), key=str))})
                x[name] = x[name].map(known)
    return x.astype(float)


clock = time.perf_counter
began = clock()
train = pd.concat(
    [frame(job['feature_sql'], t).merge(frame(job['label_sql'], t), on=['entity', 'anchor']) for t in job['train_anchors']],
    ignore_index=True,
)
asked = frame(f"SELECT * FROM ({job['feature_sql']}) f WHERE f.entity::text = ANY(?)", job['anchor'], job['entities'])
features = clock() - began

began = clock()
codes = {}
x = numbers(train, codes)
if job['type'] == 'binary':
    model = HistGradientBoostingClassifier(l2_regularization=1.0, **SETTINGS)
else:
    model = HistGradientBoostingRegressor(loss='absolute_error', l2_regularization=1.0, **SETTINGS)
model.fit(x, train.label.astype(float))
fit = clock() - began

began = clock()
wanted = numbers(asked, codes)[list(x.columns)]
scores = model.predict_proba(wanted)[:, 1] if job['type'] == 'binary' else model.predict(wanted)
print(json.dumps({'features': features, 'fit': fit, 'score': clock() - began, 'scored': len(scores)}))
