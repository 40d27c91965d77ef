# Submits a thousand tasks in batches, waits for all of them, retries what failed at a rate, and says what happened:
#   python3 examples/submit_many.py [URL [SERVICE ACTION]]
# Nothing is created twice, whatever breaks: each batch has an Idempotency-Key, and is sent again until it is answered.
import json
import sys
import time
import urllib.error
import urllib.request
import uuid

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:3000"
SERVICE, ACTION = sys.argv[2:4] if len(sys.argv) > 3 else ("demo", "echo")
COUNT, SIZE, RUN = 1_000, 100, str(uuid.uuid4())


def ask(method, path, body=None, headers={}):
    """Sends a request until it is answered: a node may be away, and its place be taken by another."""
    data = None if body is None else json.dumps(body).encode()
    for _ in range(120):
        request = urllib.request.Request(URL + path, data, {"content-type": "application/json", **headers}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=70) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            # 409 idempotency_in_progress and 503 pass; anything else would be refused again.
            if error.code not in (409, 502, 503, 504):
                raise SystemExit(f"{method} {path} answered {error.code}: {error.read().decode()}")
        except OSError:
            pass
        time.sleep(0.5)
    raise SystemExit(f"{URL} does not answer")


def ended(ids):
    """Waits until these tasks have ended; their statuses by id."""
    statuses = {}
    while len(statuses) < len(ids):
        waiting = [one for one in ids if one not in statuses]
        for task in ask("GET", "/tasks?ids=" + ",".join(waiting[:1_000])):
            if task["status"] in ("complete", "failed"):
                statuses[task["location"].split("/")[-1]] = task["status"]
        time.sleep(0.2)
    return statuses


ids = []
for at in range(0, COUNT, SIZE):
    tasks = [
        {"service": SERVICE, "action": ACTION, "payload": {"n": n}, "labels": {"run": RUN}} for n in range(at, at + SIZE)
    ]
    made = ask("POST", "/tasks/batch", tasks, {"idempotency-key": f"{RUN}-{at}"})
    ids += [one["location"].split("/")[-1] for one in made]
print(f"{len(ids)} tasks submitted, {len(set(ids))} of them different")

statuses = ended(ids)
failed = sum(status == "failed" for status in statuses.values())
print(f"{len(ids) - failed} complete, {failed} failed")

path, retried = f"/tasks/retry?label.run={RUN}&status=failed&rate=100/s", 0
while failed and path:
    told = ask("POST", path)
    path, retried = told["next"], retried + told["done"]
if retried:
    again = [task["location"].split("/")[-1] for task in ask("GET", f"/tasks?label.run={RUN}&limit=1000")]
    retries = ended([one for one in again if one not in statuses])
    print(f"{retried} retried: {sum(status == 'complete' for status in retries.values())} of them complete")
