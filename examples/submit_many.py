# Submits a thousand tasks in batches, waits for all of them, retries what failed at a rate, and says what happened:
#   python3 examples/submit_many.py [URL [SERVICE ACTION]]
# The variable TASK_API_KEY holds the key, where the API wants one.
# Nothing is lost and nothing is created twice, whatever breaks: each batch has an Idempotency-Key, and is sent again until it
# is answered. A change of many tasks can be sent again as well: what has been retried is not retried again.
import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:3000"
SERVICE, ACTION = sys.argv[2:4] if len(sys.argv) > 3 else ("demo", "echo")
COUNT, SIZE, RUN = 1_000, 100, str(uuid.uuid4())
KEY = os.environ.get("TASK_API_KEY")


def ask(method, path, body=None, key=None):
    """Sends a request again and again until it is answered: a node may be away, and another one takes its place."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json"} | ({"idempotency-key": key} if key else {})
    if KEY:
        headers["authorization"] = f"Bearer {KEY}"
    for _ in range(240):
        try:
            request = urllib.request.Request(URL + path, data, headers, method=method)
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            # 409 idempotency_in_progress, 429 and 503 pass; anything else would be refused again.
            if error.code not in (409, 429, 502, 503, 504):
                raise SystemExit(f"{method} {path} answered {error.code}: {error.read().decode()}")
        except (OSError, http.client.HTTPException):
            pass  # refused, reset, cut off in the middle, or no answer in time
        time.sleep(0.5)
    raise SystemExit(f"{URL} does not answer")


def change(path):
    """Follows a change of many tasks to its end. How many matched."""
    matched = 0
    while path:
        told = ask("POST", path)
        matched, path = matched + told["matched"], told["next"]
    return matched


def count(filters=""):
    """Counts tasks of this run: a dry run changes nothing, and reads no payloads."""
    return change(f"/tasks/retry?label.run={RUN}&dryRun=true{filters}")


def wait():
    while count("&status=pending,running"):
        time.sleep(0.5)


for at in range(0, COUNT, SIZE):
    tasks = [
        {"service": SERVICE, "action": ACTION, "payload": {"n": n}, "labels": {"run": RUN}} for n in range(at, at + SIZE)
    ]
    ask("POST", "/tasks/batch", tasks, key=f"{RUN}-{at}")
print(f"{COUNT} tasks submitted, {count()} created")

wait()
complete, failed = count("&status=complete"), count("&status=failed")
print(f"{complete} complete, {failed} failed")

if failed:
    change(f"/tasks/retry?label.run={RUN}&status=failed&retried=false&rate=100/s")
    wait()
    retried = count("&retried=true")
    print(f"{retried} retried, {count('&status=complete') - complete} of them complete")
