#!/usr/bin/python3
"""A stand-in for Twilio's REST API, as far as calls are made with it: /2010-04-01/Accounts/AC…/Calls.json.

POST makes a call (201), GET lists those that were made. Answers are scripted in turn, by `standin.answers`; without a
script it does as Twilio does: 401 with 20003 for a wrong account or token, 400 with 21211 or 21212 for a bad number,
37008 for a From without whatsapp:.

As a program it prints its address and one line a request.

    twilio_standin.py [--port N] [--account AC…] [--token TOKEN]
"""

import argparse
import json
from urllib.parse import parse_qs

from aiohttp import BasicAuth, web

from standin import Answer, Standin, Turns, run_as_program

ACCOUNT = "AC" + "0" * 31 + "1"
TOKEN = "0123456789abcdef" * 2


def error(status: int, code: int, message: str) -> Answer:
    """An error in Twilio's form."""
    body = {"code": code, "message": message, "more_info": f"https://www.twilio.com/docs/errors/{code}", "status": status}
    return Answer(status, json.dumps(body).encode(), {"Content-Type": "application/json"})


class TwilioStandin(Standin):
    """`base_url` is what --base-url takes. `calls` has what was made, `secrets` those of the account and of API keys."""

    def __init__(self, account: str = ACCOUNT, token: str = TOKEN, **how):
        super().__init__(**how)
        self.account, self.token = account, token
        self.secrets = {account: token}
        self.calls: list[dict] = []
        self.answers: Turns | None = None

    @property
    def base_url(self) -> str:
        return self.origin

    def routes(self) -> list[web.RouteDef]:
        path = "/2010-04-01/Accounts/{account}/Calls.json"
        return [web.post(path, self._create), web.get(path, self._list)]

    def _is_authorized(self, request: web.Request) -> bool:
        given = request.headers.get("Authorization", "")
        known = any(given == BasicAuth(user, secret).encode() for user, secret in self.secrets.items())
        return known and request.match_info["account"] == self.account

    async def _create(self, request: web.Request) -> web.StreamResponse:
        if self.answers:
            return await self.answer(request, self.answers.next())
        if not self._is_authorized(request):
            return await self.answer(request, error(401, 20003, "Authenticate"))
        form = {name: values[0] for name, values in parse_qs((await request.read()).decode()).items()}
        return await self.answer(request, self._made(form))

    def _made(self, form: dict[str, str]) -> Answer:
        for name, code in (("To", 21211), ("From", 21212)):
            if not form.get(name, "").removeprefix("whatsapp:").startswith("+"):
                return error(400, code, f"Invalid '{name}' Phone Number")
        if not form["From"].startswith("whatsapp:"):
            return error(400, 37008, "The From number is not a WhatsApp sender")
        if not {"Url", "Twiml", "ApplicationSid"} & form.keys():
            return error(400, 21205, "Url parameter is required")
        sid = f"CA{len(self.calls) + 1:032x}"
        self.calls.append({"sid": sid, "status": "queued", "direction": "outbound-api", "from": form["From"], "to": form["To"],
                           "queue_time": "0", "date_created": None})
        return Answer(201, json.dumps(self.calls[-1]).encode(), {"Content-Type": "application/json"})

    async def _list(self, request: web.Request) -> web.StreamResponse:
        if not self._is_authorized(request):
            return await self.answer(request, error(401, 20003, "Authenticate"))
        chosen = [call for call in self.calls if request.query.get("To", call["to"]) == call["to"]]
        return web.json_response({"calls": chosen, "next_page_uri": None})


def main() -> None:
    parser = argparse.ArgumentParser(description="A stand-in for Twilio's call API.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--account", default=ACCOUNT)
    parser.add_argument("--token", default=TOKEN)
    options = parser.parse_args()
    run_as_program(TwilioStandin(account=options.account, token=options.token, port=options.port), "")


if __name__ == "__main__":
    main()
