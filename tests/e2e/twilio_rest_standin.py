#!/usr/bin/python3
"""A stand-in for what Twilio keeps of a call: Calls/{CA}, its children, Notifications, Events, and the alerts of Monitor.

    GET /2010-04-01/Accounts/AC…/Calls/CA….json            GET /2010-04-01/Accounts/AC…/Calls.json?ParentCallSid=CA…
    GET …/Calls/CA…/Notifications.json, …/NO….json         GET …/Calls/CA…/Events.json         GET /v1/Alerts, /v1/Alerts/NO…

What it answers stands in `calls`, `notifications`, `events` and `alerts`, in the form of Twilio's API reference: RFC 2822 dates
and message_text as a form in the 2010 API, ISO 8601 dates in Monitor. Faults are scripted by part of the path:
`standin.faults["/Events.json"] = Turns(error(500, 20500, "…"))`. `page_size` cuts lists into pages; `next_page` replaces the address
of the next page.
"""

import json
from urllib.parse import urlencode

from aiohttp import BasicAuth, web

from standin import Answer, Standin, Turns
from twilio_standin import ACCOUNT, TOKEN, error

KEY, KEY_SECRET = "SK" + "0" * 31 + "7", "fedcba9876543210" * 2
CALL, LEG = "CA" + "1" * 32, "CA" + "2" * 32
CALLER, CALLED = "whatsapp:+5561999994321", "whatsapp:+556133331869"
OPENAI = "sip:proj_0123456789abcdef@sip.api.openai.com;transport=tls"


def call(sid: str = CALL, **members) -> dict:
    return {"sid": sid, "account_sid": ACCOUNT, "parent_call_sid": None, "status": "completed", "direction": "inbound", "from": CALLER,
            "to": CALLED, "date_created": "Sat, 28 Nov 2026 17:47:08 +0000", "start_time": "Sat, 28 Nov 2026 17:47:08 +0000",
            "end_time": "Sat, 28 Nov 2026 17:47:19 +0000", "duration": "11", "price": None, "answered_by": None, **members}


def leg(**members) -> dict:
    return call(LEG, **{"parent_call_sid": CALL, "status": "failed", "direction": "outbound-dial", "to": OPENAI, "duration": "0",
                        "end_time": "Sat, 28 Nov 2026 17:47:18 +0000", **members})


def notification(number: int, code: int, msg: str, call_sid: str = CALL, log: str = "0", **members) -> dict:
    return {"sid": f"NO{number:032x}", "account_sid": ACCOUNT, "call_sid": call_sid, "error_code": str(code), "log": log,
            "message_date": "Sat, 28 Nov 2026 17:47:18 +0000",
            "message_text": urlencode({"LogLevel": "ERROR" if log == "0" else "WARN", "ErrorCode": code, "Msg": msg}),
            "more_info": f"https://www.twilio.com/docs/errors/{code}", "request_method": "POST",
            "request_url": "https://bridge.example.com/twilio/voice?secretless=1", **members}


def event(path: str, parameters: dict, status: int = 200, **members) -> dict:
    return {"request": {"method": "POST", "url": f"https://bridge.example.com{path}", "parameters": {"CallSid": CALL, **parameters}},
            "response": {"response_code": status, "request_duration": 35, "content_type": "text/xml", "response_body": "<Response/>",
                         "date_created": "Sat, 28 Nov 2026 17:47:08 +0000", **members}}


def alert(number: int, code: int, resource: str = CALL, **members) -> dict:
    return {"sid": f"NO{number:032x}", "resource_sid": resource, "error_code": str(code), "log_level": "error",
            "alert_text": urlencode({"Msg": "An attempt failed", "ErrorCode": code}), "date_generated": "2026-11-28T17:47:18Z",
            "request_method": "POST", "request_url": "https://bridge.example.com/twilio/voice", **members}


class TwilioRestStandin(Standin):
    def __init__(self, **how):
        super().__init__(**how)
        self.calls = {CALL: call(), LEG: leg()}
        self.notifications: dict[str, list[dict]] = {}
        self.details: dict[str, dict] = {}  # by NO…: what only the single notice has
        self.events: dict[str, list[dict]] = {}
        self.alerts: list[dict] = []
        self.faults: dict[str, Turns] = {}
        self.page_size = 100
        self.next_page = None  # next_page(path, page) -> address

    def routes(self) -> list[web.RouteDef]:
        base = "/2010-04-01/Accounts/{account}"
        return [web.get(base + "/Calls.json", self._children), web.get(base + "/Calls/{call}.json", self._call),
                web.get(base + "/Calls/{call}/Notifications.json", self._notifications),
                web.get(base + "/Calls/{call}/Notifications/{notice}.json", self._notification),
                web.get(base + "/Calls/{call}/Events.json", self._events), web.get("/v1/Alerts", self._alerts),
                web.get("/v1/Alerts/{notice}", self._alert)]

    async def _refusal(self, request: web.Request) -> web.StreamResponse | None:
        for part, answers in self.faults.items():
            if part in request.path:
                answer = answers.next()
                if answer.status != 100:  # 100: as without a fault
                    return await self.answer(request, answer)
        known = [BasicAuth(ACCOUNT, TOKEN).encode(), BasicAuth(KEY, KEY_SECRET).encode()]
        if request.headers.get("Authorization") not in known or request.match_info.get("account", ACCOUNT) != ACCOUNT:
            return await self.answer(request, error(401, 20003, "Authenticate"))
        return None

    async def _one(self, request: web.Request, found: dict | None) -> web.StreamResponse:
        if (refusal := await self._refusal(request)) is not None:
            return refusal
        if found is None:
            return await self.answer(request, error(404, 20404, f"The requested resource {request.path} was not found"))
        return web.json_response(found)

    async def _list(self, request: web.Request, name: str, items: list[dict], newer: bool = False) -> web.StreamResponse:
        if (refusal := await self._refusal(request)) is not None:
            return refusal
        page = int(request.query.get("Page", "0"))
        part = items[page * self.page_size:(page + 1) * self.page_size]
        query = urlencode({**request.query, "Page": page + 1})
        following = f"{request.path}?{query}" if (page + 1) * self.page_size < len(items) else None
        if self.next_page:
            following = self.next_page(request.path, page)
        if not newer:
            return web.json_response({name: part, "page": page, "next_page_uri": following})
        absolute = following if following is None or "://" in following else self.origin + following
        return web.json_response({name: part, "meta": {"page": page, "key": name, "next_page_url": absolute}})

    async def _call(self, request):
        return await self._one(request, self.calls.get(request.match_info["call"]))

    async def _children(self, request):
        parent = request.query.get("ParentCallSid", CALL)
        return await self._list(request, "calls", [one for one in self.calls.values() if one["parent_call_sid"] == parent])

    async def _notifications(self, request):
        return await self._list(request, "notifications", self.notifications.get(request.match_info["call"], []))

    async def _notification(self, request):
        found = [one for one in self.notifications.get(request.match_info["call"], []) if one["sid"] == request.match_info["notice"]]
        return await self._one(request, found[0] | self.details.get(found[0]["sid"], {}) if found else None)

    async def _events(self, request):
        return await self._list(request, "events", self.events.get(request.match_info["call"], []))

    async def _alerts(self, request):
        return await self._list(request, "alerts", self.alerts, newer=True)

    async def _alert(self, request):
        found = [one for one in self.alerts if one["sid"] == request.match_info["notice"]]
        return await self._one(request, found[0] | self.details.get(found[0]["sid"], {}) if found else None)
