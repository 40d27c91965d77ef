# A target service: python3 examples/target_service.py, then POST tasks for service "python".
# Any action answers 206 with the next state until it is done, then 200.
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Service(BaseHTTPRequestHandler):
    def do_POST(self):
        # The payload of the task first, then the body of our own last answer 206.
        state = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        done, of = state.get("done", 0) + 1, state.get("of", 3)
        body = json.dumps({"done": done, "of": of}).encode()
        self.send_response(206 if done < of else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("127.0.0.1", 8082), Service).serve_forever()
