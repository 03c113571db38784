import json
import pickle
from marshal import loads


def read(data):
    # ruleid: unpickles-data
    first = pickle.loads(data)
    # ruleid: unpickles-data
    second = loads(data)
    # ok: unpickles-data
    pickle.dumps(data)
    # ok: unpickles-data
    return json.loads(data), first, second
