"""Flask as the first service was built. The openai package is not to be had from Debian, so the signature is checked
with the standard library as that package does it (openai/resources/webhooks), and the call is accepted with httpx, the
HTTP client of that package, before the answer.

Run by gunicorn; reads WEBHOOK_SECRET_FILE, OPENAI_BASE_URL and OPENAI_API_KEY.
"""

import base64
import hashlib
import hmac
import json
import os
import time
from pathlib import Path

import httpx
from flask import Flask, request

TOLERANCE_SECONDS = 300
KEY = base64.b64decode(Path(os.environ["WEBHOOK_SECRET_FILE"]).read_text(encoding="utf-8").removeprefix("whsec_"))
BASE_URL = os.environ["OPENAI_BASE_URL"]

app = Flask(__name__)
# One for all threads, as the package keeps one; made in each worker, behind gunicorn's fork.
api = httpx.Client(headers={"Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"}, timeout=10.0, trust_env=False)


def is_signed(body: bytes) -> bool:
    timestamp, webhook_id = request.headers["webhook-timestamp"], request.headers["webhook-id"]
    if abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    given = [part.removeprefix("v1,") for part in request.headers["webhook-signature"].split()]
    return any(hmac.compare_digest(expected, each) for each in given)


@app.post("/openai/webhook")
def webhook():
    body = request.get_data()
    if not is_signed(body):
        return "", 401
    event = json.loads(body)
    if event["type"] == "realtime.call.incoming":
        api.post(f"{BASE_URL}/realtime/calls/{event['data']['call_id']}/accept",
                 json={"type": "realtime", "model": "gpt-realtime"}).raise_for_status()
    return "", 200
