#!/usr/bin/python3
"""A stand-in for OpenAI's call API: accept, reject, refer, hangup and the sideband, for Realtime and for Live.

    POST /v1/realtime/calls/ID/{accept,reject,refer,hangup}     GET /v1/realtime?call_id=ID        (WebSocket)
    POST /v1/live/sessions/ID/{accept,reject,refer,hangup}      GET /v1/live/sessions/ID/attach    (WebSocket)
    GET /v1/webhook_endpoints?after=&limit=                     POST /v1/webhook_endpoints/ID/{test,rotate_secret}

Every id is a call that rings, unless it has a script. As at OpenAI the first accept or reject decides, a later one is
answered 409 decision_already_made; a wrong key 401; the sideband of a call that was not accepted 404.

    standin.scripts["rtc_1"] = Script(accept=[error(500, "server_error"), Answer()], sideband=Sideband(refuse=[404]))

As a program it prints its address and one line a request. Scripts are chosen by the end of the id then, as in
`rtc_x-missing2` or `live_x-caller_hangs_up`; NAMED_SCRIPTS lists them.

    openai_standin.py [--port N] [--key KEY] [--cert FILE --cert-key FILE]
"""

import argparse
import asyncio
import base64
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import WSMsgType, web

from standin import Answer, Standin, Turns, cut, run_as_program

KEY = "sk-proj-standin-0123456789abcdefghij"


def end_call(call_id: str = "call_end") -> list[dict]:
    """The model calls end_call, in a response of its own."""
    item = {"type": "function_call", "status": "completed", "name": "end_call", "call_id": call_id, "arguments": "{}"}
    response = {"id": "resp_end", "status": "in_progress"}
    return [{"type": "response.created", "response": response},
            {"type": "response.function_call_arguments.done", "response_id": "resp_end", "name": "end_call", "call_id": call_id,
             "arguments": "{}"},
            {"type": "response.done", "response": {**response, "status": "completed", "output": [item]}}]


def error(status: int, code: str, message: str = "", **headers: str) -> Answer:
    """An error in OpenAI's form; `retry_after="1"` becomes the header Retry-After."""
    body = {"error": {"message": message or f"stand-in: {code}", "type": "invalid_request_error" if status < 500 else "server_error",
                      "code": code, "param": None}}
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}
    return Answer(status, json.dumps(body).encode(), {"Content-Type": "application/json", "X-Request-Id": "req_standin", **named})


NOT_FOUND = error(404, "call_id_not_found")
DECIDED = error(409, "decision_already_made")


@dataclass
class Sideband:
    """What a call's sideband does."""

    refuse: list[int] = field(default_factory=list)  # statuses of the first upgrades; -1: the connection is reset
    refuse_always: int = 0  # the status of every upgrade
    events: list[dict] = field(default_factory=list)  # sent after session.created; {"wait": SECONDS} waits
    silent: bool = False  # not even session.created
    answers_responses: bool = True  # to what has something spoken: audio that starts and stops
    close_code: int = 0  # behind the events: a close frame
    lose: bool = False  # behind the events: the connection is cut without one, as when the caller hangs up
    lose_on_response: bool = False  # the same, when a response is asked for


@dataclass
class Script:
    """What happens to one call. Each list is answered in turn, the last one again and again; empty: as OpenAI does."""

    accept: list[Answer] = field(default_factory=list)
    reject: list[Answer] = field(default_factory=list)
    refer: list[Answer] = field(default_factory=list)
    hangup: list[Answer] = field(default_factory=list)
    sideband: Sideband = field(default_factory=Sideband)


HALF = "half"  # a fault of an endpoint's answer: its first bytes, then the connection is cut


@dataclass
class Endpoint:
    """A webhook endpoint of the project. The hint is masked as `mask` says; nobody knows how OpenAI does it."""

    id: str
    url: str
    secret: str
    name: str = ""
    event_types: list[str] = field(default_factory=lambda: ["realtime.call.incoming"])
    created_at: int = 1760000000
    updated_at: int = 1760000000
    mask: str = "{prefix}…{last4}"
    test_status: int = 200  # what its server answers to a test

    def document(self) -> dict:
        hint = self.mask.format(prefix="whsec_", last4=self.secret[-4:]) if self.mask else None
        return {"id": self.id, "object": "webhook_endpoint", "name": self.name, "url": self.url, "event_types": self.event_types,
                "created_at": self.created_at, "updated_at": self.updated_at, "signing_secret_hint": hint}


def dead_by_error() -> Sideband:
    return Sideband(events=[{"type": "error", "error": {"type": "invalid_request_error", "code": "invalid_value",
                                                        "message": "stand-in: the session cannot start"}}],
                    silent=True, close_code=1000)


NAMED_SCRIPTS = {
    "missing1": lambda: Script(accept=[NOT_FOUND, Answer()]),
    "missing2": lambda: Script(accept=[NOT_FOUND, NOT_FOUND, Answer()]),
    "gone": lambda: Script([NOT_FOUND], [NOT_FOUND], [NOT_FOUND], [NOT_FOUND]),
    "decided": lambda: Script([DECIDED], [DECIDED]),
    "bad_key": lambda: Script(accept=[error(401, "invalid_api_key")]),
    "limited": lambda: Script(accept=[error(429, "rate_limit_exceeded", retry_after="0.1"), Answer()]),
    "limited_long": lambda: Script(accept=[error(429, "rate_limit_exceeded", retry_after="3600")]),
    "broken": lambda: Script(accept=[error(500, "server_error")]),
    "hang": lambda: Script(accept=[Answer(fault="hang")]),
    "reset": lambda: Script(accept=[Answer(fault="reset")]),
    "dead": lambda: Script(sideband=Sideband(refuse_always=404)),
    "dead_by_error": lambda: Script(sideband=dead_by_error()),
    "late_sideband": lambda: Script(sideband=Sideband(refuse=[404])),
    "caller_hangs_up": lambda: Script(sideband=Sideband(events=[{"wait": 0.3}], lose=True)),
    "end_call": lambda: Script(sideband=Sideband(events=[{"wait": 0.1}, *end_call()])),
    "mute": lambda: Script(sideband=Sideband(answers_responses=False)),
    "silent": lambda: Script(sideband=Sideband(silent=True, answers_responses=False)),
}


@dataclass
class SidebandRecord:
    """One sideband connection that was asked for."""

    call_id: str
    dialect: str
    headers: dict[str, str]
    at: float
    status: int = 101  # or that of the refused upgrade
    received: list[dict] = field(default_factory=list)
    received_at: list[float] = field(default_factory=list)  # time.monotonic() of each
    close_code: int | None = None  # of the client's close frame; 1006: ended without one; None: still open

    def received_types(self) -> list[str]:
        return [message.get("type", "") for message in self.received]


class Call:
    """The state of one call."""

    def __init__(self, script: Script):
        self.turns = {verb: Turns(*getattr(script, verb)) if getattr(script, verb) else None
                      for verb in ("accept", "reject", "refer", "hangup")}
        self.sideband = script.sideband
        self.refusals = list(script.sideband.refuse)
        self.decision = ""
        self.over = False
        self.sockets: list[web.Request] = []
        self.events: list[dict] = []  # that were sent, for Live's replay


class OpenAiStandin(Standin):
    """See the top of this file. `base_url` is what OPENAI_BASE_URL takes."""

    def __init__(self, key: str = KEY, **how):
        super().__init__(**how)
        self.key = key
        self.scripts: dict[str, Script] = {}
        self.calls: dict[str, Call] = {}
        self.sidebands: list[SidebandRecord] = []
        self._events = 0
        self.endpoints: list[Endpoint] = []  # newest first
        self.endpoint_answers: dict[str, Turns] = {}  # "list", "test", "rotate_secret": in place of what OpenAI does
        self.most_on_a_page = 100

    @property
    def base_url(self) -> str:
        return self.origin + "/v1"

    def actions(self, call_id: str, verb: str = "") -> list:
        """The requests for one call; with a verb, those alone."""
        return [request for request in self.requests if f"/{call_id}/{verb}" in request.path and request.method == "POST"]

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/v1/realtime/calls/{id}/{verb}", self._act), web.post("/v1/live/sessions/{id}/{verb}", self._act),
                web.get("/v1/realtime", self._attach), web.get("/v1/live/sessions/{id}/attach", self._attach),
                web.get("/v1/webhook_endpoints", self._list_endpoints),
                web.post("/v1/webhook_endpoints/{id}/{verb:test|rotate_secret}", self._act_on_endpoint)]

    def _call(self, call_id: str) -> Call:
        if call_id not in self.calls:
            named = NAMED_SCRIPTS.get(call_id.rpartition("-")[2], Script)
            self.calls[call_id] = Call(self.scripts.get(call_id) or named())
        return self.calls[call_id]

    def _is_authorized(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"Bearer {self.key}"

    # REST

    async def _act(self, request: web.Request) -> web.StreamResponse:
        call, verb = self._call(request.match_info["id"]), request.match_info["verb"]
        if verb not in call.turns:
            return await self.answer(request, error(404, "unknown_url"))
        if not self._is_authorized(request):
            return await self.answer(request, error(401, "invalid_api_key"))
        turns = call.turns[verb]
        answer = turns.next() if turns else self._natural(call, verb, await request.read())
        if answer.status < 300 and (answer.carried_out or not answer.fault):
            if verb in ("accept", "reject"):
                call.decision = verb
            if verb in ("hangup", "reject"):
                self._end(call)
        return await self.answer(request, answer)

    @staticmethod
    def _natural(call: Call, verb: str, body: bytes) -> Answer:
        """What OpenAI answers where nothing goes wrong but the request itself."""
        if call.over:
            return NOT_FOUND
        if verb in ("accept", "reject") and call.decision:
            return DECIDED
        if verb in ("refer", "hangup") and call.decision != "accept":
            return NOT_FOUND
        try:
            document = json.loads(body) if body else {}
        except ValueError:
            return error(400, "invalid_json")
        if verb == "accept" and document.get("session", document).get("type") not in ("realtime", "live"):
            return error(400, "missing_required_parameter")
        return Answer()

    @staticmethod
    def _end(call: Call) -> None:
        call.over = True
        for request in call.sockets:
            cut(request)

    # Webhook endpoints

    async def _answer_endpoint(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        if answer.fault != HALF:
            return await self.answer(request, answer)
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(answer.body))})
        await response.prepare(request)
        await response.write(answer.body[:len(answer.body) // 2])
        await asyncio.sleep(0.05)
        cut(request)
        return response

    async def _list_endpoints(self, request: web.Request) -> web.StreamResponse:
        if not self._is_authorized(request):
            return await self._answer_endpoint(request, error(401, "invalid_api_key", "Incorrect API key provided"))
        if "list" in self.endpoint_answers:
            return await self._answer_endpoint(request, self.endpoint_answers["list"].next())
        ids = [endpoint.id for endpoint in self.endpoints]
        after = request.query.get("after")
        start = ids.index(after) + 1 if after in ids else 0
        page = self.endpoints[start:start + min(int(request.query.get("limit", 20)), self.most_on_a_page)]
        body = {"object": "list", "data": [endpoint.document() for endpoint in page], "first_id": page[0].id if page else None,
                "last_id": page[-1].id if page else None, "has_more": start + len(page) < len(ids)}
        return await self._answer_endpoint(request, Answer(body=json.dumps(body).encode()))

    async def _act_on_endpoint(self, request: web.Request) -> web.StreamResponse:
        verb = request.match_info["verb"]
        if not self._is_authorized(request):
            return await self._answer_endpoint(request, error(401, "invalid_api_key", "Incorrect API key provided"))
        found = [endpoint for endpoint in self.endpoints if endpoint.id == request.match_info["id"]]
        scripted = self.endpoint_answers[verb].next() if verb in self.endpoint_answers else None
        if scripted and not scripted.carried_out:
            return await self._answer_endpoint(request, scripted)
        if not found:
            return await self._answer_endpoint(request, error(404, "not_found", "No webhook endpoint found"))
        asked = json.loads(await request.read() or b"{}")
        if verb == "test":
            body = {"object": "webhook_endpoint.test", "event_type": asked["event_type"], "status_code": found[0].test_status,
                    "success": True, "webhook_endpoint_id": found[0].id}
        else:
            found[0].secret = "whsec_" + base64.b64encode(os.urandom(32)).decode()
            found[0].updated_at = int(time.time())
            body = {**found[0].document(), "signing_secret": found[0].secret}
        answer = Answer(body=json.dumps(body).encode())
        if scripted:  # it is done, and only the answer is not as it should be
            answer = Answer(body=answer.body, fault=scripted.fault, delay=scripted.delay)
        return await self._answer_endpoint(request, answer)

    # Sideband

    async def _attach(self, request: web.Request) -> web.StreamResponse:
        live = "id" in request.match_info
        call_id = request.match_info["id"] if live else request.query.get("call_id", "")
        call = self._call(call_id)
        headers = {name.lower(): value for name, value in request.headers.items()}
        record = SidebandRecord(call_id, "live" if live else "realtime", headers, time.monotonic())
        self.sidebands.append(record)
        record.status = self._status_of_upgrade(request, call)
        if record.status == -1:
            cut(request)
        if record.status != 101:
            return await self.answer(request, error(max(record.status, 400), "call_id_not_found" if record.status == 404 else "refused"))
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        call.sockets.append(request)
        sending = asyncio.ensure_future(self._play(request, socket, call, replay=live))
        try:
            async for message in socket:
                if message.type == WSMsgType.TEXT:
                    record.received.append(json.loads(message.data))
                    record.received_at.append(time.monotonic())
                    await self._react(request, socket, call, record.received[-1])
        finally:
            sending.cancel()
            call.sockets.remove(request)
            record.close_code = socket.close_code
        return socket

    def _status_of_upgrade(self, request: web.Request, call: Call) -> int:
        if not self._is_authorized(request):
            return 401
        if call.sideband.refuse_always:
            return call.sideband.refuse_always
        if call.refusals:
            return call.refusals.pop(0)
        return 101 if call.decision == "accept" and not call.over else 404

    async def _send(self, socket: web.WebSocketResponse, call: Call, event: dict) -> None:
        self._events += 1
        event = {"event_id": f"event_{self._events}", **event}
        call.events.append(event)
        await socket.send_str(json.dumps(event))

    async def _play(self, request: web.Request, socket: web.WebSocketResponse, call: Call, replay: bool) -> None:
        """Live replays the events of the last seconds with their ids; a Realtime sideband begins anew."""
        script = call.sideband
        try:
            if replay:
                for event in list(call.events):
                    await socket.send_str(json.dumps(event))
            if not script.silent and not (replay and call.events):
                await self._send(socket, call, {"type": "session.created", "session": {"id": "sess_standin"}})
            for event in script.events:
                if "wait" in event:
                    await asyncio.sleep(event["wait"])
                else:
                    await self._send(socket, call, event)
            if script.lose:
                call.over = True
                cut(request)
            elif script.close_code:
                await socket.close(code=script.close_code)
        except ConnectionError:
            pass  # the client went away first

    async def _react(self, request: web.Request, socket: web.WebSocketResponse, call: Call, message: dict) -> None:
        if message.get("type") not in ("response.create", "session.instructions.append"):
            return
        if call.sideband.lose_on_response:
            cut(request)
        elif not call.sideband.answers_responses:
            return
        elif message["type"] == "session.instructions.append":  # Live: full duplex, no responses to ask for
            await self._send(socket, call, {"type": "session.output_transcript.delta", "delta": "Ol\u00e1"})
        else:
            response = {"id": "resp_standin", "status": "in_progress"}
            for event in ({"type": "response.created", "response": response},
                          {"type": "output_audio_buffer.started", "response_id": "resp_standin"},
                          {"type": "response.output_audio_transcript.delta", "delta": "Ol\u00e1"},
                          {"type": "response.done", "response": {**response, "status": "completed"}},
                          {"type": "output_audio_buffer.stopped", "response_id": "resp_standin"}):
                await self._send(socket, call, event)


def main() -> None:
    parser = argparse.ArgumentParser(description="A stand-in for OpenAI's call API.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--key", default=KEY, help="the API key that is taken (default: %(default)s)")
    parser.add_argument("--cert", type=Path, help="certificate (PEM); then it speaks TLS")
    parser.add_argument("--cert-key", type=Path)
    options = parser.parse_args()
    certificate = (options.cert, options.cert_key) if options.cert else None
    run_as_program(OpenAiStandin(key=options.key, certificate=certificate, port=options.port), "/v1")


if __name__ == "__main__":
    main()
