# A target service: python3 examples/target_service.py, then POST tasks for service "python".
# Any action answers 206 with the next state until it is done, then 200.
# With SIGNING_SECRET (whsec_..., one of `signing.secrets` of the service) it takes only requests that task_api has signed.
import base64
import hmac
import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = os.environ.get("SIGNING_SECRET")


def is_signed(headers, body):
    """Whether a request was signed with our secret within the last 5 minutes (Standard Webhooks). body: its bytes, unparsed."""
    timestamp = headers.get("webhook-timestamp", "")
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > 300:
        return False
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    signed = f"{headers.get('webhook-id')}.{timestamp}.".encode() + body
    wanted = b"v1," + base64.b64encode(hmac.digest(key, signed, "sha256"))
    # task_api sends one signature for each secret. Any of them may be ours.
    signatures = headers.get("webhook-signature", "").encode().split(b" ")
    return any([hmac.compare_digest(one, wanted) for one in signatures])


class Service(BaseHTTPRequestHandler):
    def do_POST(self):
        received = self.rfile.read(int(self.headers["Content-Length"]))
        if SECRET and not is_signed(self.headers, received):
            return self.answer(401, {"error": "not signed"})
        # The payload of the task first, then the body of our own last answer 206.
        state = json.loads(received)
        done, of = state.get("done", 0) + 1, state.get("of", 3)
        self.answer(206 if done < of else 200, {"done": done, "of": of})

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8082"))), Service).serve_forever()
