#!/usr/bin/python3
"""A receiver as services of the field are written: Flask, the check of the SDK, and 200 for whatever it refuses.

It stands for the service that callchain was begun for, written anew. What is right: the bytes as received, the time,
several secrets, quotes around one. What is wrong: a refused delivery is logged and answered with 200, so that the
sender takes it as delivered and its log looks green.

    OPENAI_WEBHOOK_SECRET=… seed_app.py [HONEST]     prints `ready URL`, then a line for each delivery

With any argument it answers 400 instead, and is otherwise the same.
"""

import base64
import hashlib
import hmac
import json
import logging
import os
import sys
import time

from flask import Flask, request
from werkzeug.serving import make_server

TOLERANCE_SECONDS = 300

app = Flask(__name__)
status_of_refusal = 400 if len(sys.argv) > 1 else 200


def configured_secrets() -> list[str]:
    parts = os.environ.get("OPENAI_WEBHOOK_SECRET", "").replace("\n", ",").split(",")
    return [part.strip().strip("\"'") for part in parts if part.strip()]


def key_of(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_") else secret.encode()


def unwrap(body: bytes, headers) -> dict:
    """As the SDK does: the event, or ValueError."""
    values = {name: headers.get(name) for name in ("webhook-id", "webhook-timestamp", "webhook-signature")}
    for name, value in values.items():
        if value is None:
            raise ValueError(f"Could not find {name} header")
    age = time.time() - int(values["webhook-timestamp"])
    if abs(age) > TOLERANCE_SECONDS:
        raise ValueError("Webhook timestamp is too old" if age > 0 else "Webhook timestamp is too new")
    signed = f"{values['webhook-id']}.{values['webhook-timestamp']}.".encode() + body
    given = [part.removeprefix("v1,") for part in values["webhook-signature"].split()]
    for secret in configured_secrets():
        right = base64.b64encode(hmac.new(key_of(secret), signed, hashlib.sha256).digest()).decode()
        if any(hmac.compare_digest(right.encode(), part.encode()) for part in given):
            return json.loads(body)
    raise ValueError("The given webhook signature does not match the expected signature")


@app.post("/openai/webhook")
def webhook():
    try:
        event = unwrap(request.get_data(), request.headers)
    except ValueError as error:
        print(f"signature verification failed: {error}", flush=True)
        return "", status_of_refusal
    if event.get("type") == "realtime.call.incoming":
        print(f"accepting {event['data']['call_id']}", flush=True)
    return "", 200


if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    print(f"ready http://127.0.0.1:{server.server_port}/openai/webhook", flush=True)
    server.serve_forever()
