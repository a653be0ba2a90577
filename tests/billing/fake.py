"""A Stripe of ours: a real HTTP server on loopback, which refuses what the real one would. One pays on a page of it.

It knows what we use of version 2026-10-28 (a subscription's period is its item's). What happens is kept as signed events, which a test
delivers as it likes: ``fake.events``, ``signed``.
"""

import hmac
import json
import re
import threading
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlsplit

KEY = "sk_test_of_the_tests"
SECRET = "whsec_of_the_tests"
DAY = 86_400
MONTH = 30 * DAY
VERSION = "2026-10-28.endive"
ENDED = {"canceled", "incomplete_expired"}

# What each call takes, [] for any index, and what it needs.
TAKES: dict[str, tuple[set[str], set[str]]] = {
    "POST /v1/customers": ({"email", "name", "metadata[]"}, set()),
    "GET /v1/customers/ID": (set(), set()),
    "GET /v1/prices/ID": ({"expand[]"}, set()),
    "POST /v1/checkout/sessions": (
        {
            "mode", "customer", "line_items[][price]", "line_items[][quantity]", "success_url", "cancel_url", "client_reference_id",
            "subscription_data[trial_period_days]", "subscription_data[metadata][]", "allow_promotion_codes", "locale",
        },
        {"mode"},
    ),
    "GET /v1/checkout/sessions/ID": (set(), set()),
    "POST /v1/billing_portal/sessions": ({"customer", "return_url"}, {"customer"}),
    "GET /v1/subscriptions": ({"limit", "starting_after", "status", "customer"}, set()),
    "GET /v1/subscriptions/ID": (set(), set()),
    "POST /v1/subscriptions/ID": (
        {"items[][id]", "items[][quantity]", "items[][price]", "proration_behavior", "cancel_at_period_end"},
        set(),
    ),
    "DELETE /v1/subscriptions/ID": (set(), set()),
}  # fmt: skip
PRORATIONS = {"create_prorations", "none", "always_invoice"}


class Error(Exception):
    def __init__(self, status: int, message: str, *, code: str = "", param: str = "", kind: str = "invalid_request_error") -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": kind, "message": message, **({"code": code} if code else {}), **({"param": param} if param else {})}}


class Fake:
    def __init__(self) -> None:
        self.url = ""
        self.lock = threading.RLock()
        self.numbers = count(1)
        self.now = int(time.time())
        self.things: dict[str, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self.answers: dict[str, tuple[str, dict[str, Any]]] = {}  # by idempotency key
        self.asked: list[tuple[str, str]] = []
        self.down = 0  # answered to whatever is asked, when it is a status
        self.page_size = 100

    # --- What happens there ----------------------------------------------------------------------------------------

    def price(self, amount: int = 900, *, currency: str = "eur", interval: str = "month", active: bool = True) -> str:
        recurring = {"interval": interval, "interval_count": 1, "usage_type": "licensed"}
        made = self._add("price", unit_amount=amount, currency=currency, active=active, type="recurring", recurring=recurring)
        return str(made["id"])

    def pay(self, session_id: str, *, status: str = "") -> str:
        """Somebody pays at the page of Checkout. Returns the id of the subscription."""
        with self.lock:
            session = self.things[session_id]
            if session["status"] != "open":
                return str(session["subscription"])
            trial = session["_trial"]
            made = self.subscribe(session["customer"], session["_price"], session["_quantity"], trial=trial, status=status)
            session.update(status="complete", payment_status="paid", subscription=made)
            self._tell("checkout.session.completed", session)
            return made

    def subscribe(self, customer: str, price: str, quantity: int = 1, *, trial: int = 0, status: str = "") -> str:
        ends = self.now + (trial * DAY or MONTH)
        item = {
            "id": f"si_{next(self.numbers)}",
            "object": "subscription_item",
            "price": self._shown(self.things[price]),
            "quantity": quantity,
            "current_period_start": self.now,
            "current_period_end": ends,
        }
        made = self._add(
            "subscription",
            customer=customer,
            status=status or ("trialing" if trial else "active"),
            items={"object": "list", "data": [item], "has_more": False, "url": "/v1/subscription_items"},
            trial_end=ends if trial else None,
            cancel_at=None,
            cancel_at_period_end=False,
        )
        self._tell("customer.subscription.created", made)
        if not trial:
            self._invoice("invoice.paid", made)
        return str(made["id"])

    def set(self, subscription: str, **what: Any) -> None:
        """Change a subscription, and tell."""
        with self.lock:
            found = self.things[subscription]
            for name, value in what.items():
                (found["items"]["data"][0] if name in {"quantity", "current_period_end", "price"} else found)[name] = value
            self._tell("customer.subscription.deleted" if found["status"] in ENDED else "customer.subscription.updated", found)

    def renew(self, subscription: str) -> None:
        """A period is over and the next one is paid."""
        ends = self.things[subscription]["items"]["data"][0]["current_period_end"]
        self.set(subscription, status="active", trial_end=None, current_period_end=ends + MONTH)
        self._invoice("invoice.paid", self.things[subscription])

    def fail(self, subscription: str) -> None:
        """A payment fails."""
        self._invoice("invoice.payment_failed", self.things[subscription])
        self.set(subscription, status="past_due")

    def _add(self, kind: str, **what: Any) -> dict[str, Any]:
        prefix = {"customer": "cus", "subscription": "sub", "checkout.session": "cs_test", "invoice": "in"}.get(kind, kind)
        made = {"id": f"{prefix}_{next(self.numbers)}", "object": kind, "created": self.now, "livemode": False, "metadata": {}, **what}
        self.things[made["id"]] = made
        return made

    def _invoice(self, kind: str, about: dict[str, Any]) -> None:
        parent = {"type": "subscription_details", "subscription_details": {"subscription": about["id"]}}
        self._tell(kind, self._add("invoice", customer=about["customer"], parent=parent))

    def _tell(self, kind: str, about: dict[str, Any]) -> None:
        data = {"object": json.loads(json.dumps(self._shown(about)))}
        with self.lock:
            self.events.append(
                {
                    "id": f"evt_{next(self.numbers)}",
                    "object": "event",
                    "api_version": VERSION,
                    "created": self.now,
                    "type": kind,
                    "livemode": False,
                    "pending_webhooks": 1,
                    "request": {"id": None, "idempotency_key": None},
                    "data": data,
                }
            )

    @staticmethod
    def _shown(thing: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in thing.items() if not name.startswith("_")}

    # --- What is asked of it ---------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, params: list[tuple[str, str]], once: str) -> dict[str, Any]:
        where, _, stripe_id = self._route(method, path)
        self.asked.append((where, stripe_id))
        takes, needs = TAKES[where]
        for name, _value in params:
            if re.sub(r"\[\d+\]", "[]", name) not in takes and re.sub(r"\[[^\]]*\]$", "[]", name) not in takes:
                raise Error(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)
        given = dict(params)
        if missing := sorted(needs - given.keys()):
            raise Error(400, f"Missing required param: {missing[0]}.", code="parameter_missing", param=missing[0])
        if any(value == "" for value in given.values()):
            raise Error(400, "You passed an empty string.", code="parameter_invalid_empty")
        with self.lock:
            if once and method == "POST":
                asked = json.dumps([path, sorted(params)])
                if once in self.answers and self.answers[once][0] != asked:
                    raise Error(400, "Keys for idempotent requests can only be used with the same parameters.", kind="idempotency_error")
                if once not in self.answers:
                    self.answers[once] = (asked, json.loads(json.dumps(self._done(where, stripe_id, given))))
                return self.answers[once][1]
            return self._done(where, stripe_id, given)

    def _route(self, method: str, path: str) -> tuple[str, str, str]:
        if f"{method} {path}" in TAKES:
            return f"{method} {path}", path, ""
        parent, _, stripe_id = path.rpartition("/")
        if f"{method} {parent}/ID" in TAKES:
            return f"{method} {parent}/ID", parent, stripe_id
        raise Error(404, f"Unrecognized request URL ({method}: {path}).")

    def _done(self, where: str, stripe_id: str, given: dict[str, str]) -> dict[str, Any]:
        if where == "POST /v1/customers":
            return self._shown(self._add("customer", email=given.get("email"), name=given.get("name")))
        if where == "POST /v1/checkout/sessions":
            return self._checkout(given)
        if where == "POST /v1/billing_portal/sessions":
            self._found(given["customer"], "customer", "customer")
            made = self._add("billing_portal.session", customer=given["customer"], return_url=given.get("return_url"))
            made["url"] = f"{self.url}/portal/{made['id']}"
            return made
        if where == "GET /v1/subscriptions":
            return self._listed(given)
        kind = {"prices": "price", "customers": "customer", "sessions": "checkout.session"}.get(where.split("/")[-2], "subscription")
        found = self._found(stripe_id, kind)
        if where == "DELETE /v1/subscriptions/ID":
            if found["status"] in ENDED:
                raise Error(404, f"No such subscription: '{stripe_id}'", code="resource_missing", param="id")
            self.set(stripe_id, status="canceled")
        if where == "POST /v1/subscriptions/ID":
            self._change(found, given)
        return self._shown(found)

    def _found(self, stripe_id: str, kind: str, param: str = "id") -> dict[str, Any]:
        found = self.things.get(stripe_id)
        if found is None or found["object"] != kind:
            raise Error(404 if param == "id" else 400, f"No such {kind}: '{stripe_id}'", code="resource_missing", param=param)
        return found

    def _checkout(self, given: dict[str, str]) -> dict[str, Any]:
        if given["mode"] != "subscription":
            raise Error(400, "Invalid mode.", param="mode")
        for param in ("success_url", "line_items[0][price]", "line_items[0][quantity]"):
            if param not in given:
                raise Error(400, f"Missing required param: {param}.", code="parameter_missing", param=param)
        for param in ("success_url", "cancel_url"):
            if not given[param].startswith(("http://", "https://")):
                raise Error(400, "Not a valid URL", code="url_invalid", param=param)
        if "customer" in given:
            self._found(given["customer"], "customer", "customer")
        price = self._found(given["line_items[0][price]"], "price", "line_items[0][price]")
        if not price["active"]:
            raise Error(400, "The price specified is inactive.", param="line_items[0][price]")
        trial = given.get("subscription_data[trial_period_days]", "0")
        if "subscription_data[trial_period_days]" in given and not 1 <= int(trial) <= 730:
            raise Error(400, "The minimum number of trial period days is 1.", param="subscription_data[trial_period_days]")
        made = self._add(
            "checkout.session",
            mode="subscription",
            customer=given["customer"],
            status="open",
            payment_status="unpaid",
            subscription=None,
            success_url=given["success_url"],
            cancel_url=given["cancel_url"],
            _price=price["id"],
            _quantity=int(given["line_items[0][quantity]"]),
            _trial=int(trial),
        )
        made["url"] = f"{self.url}/pay/{made['id']}"
        return self._shown(made)

    def _listed(self, given: dict[str, str]) -> dict[str, Any]:
        """The newest first, without those that have ended, as Stripe does."""
        size = min(int(given.get("limit", "10")), self.page_size)
        rows = [thing for thing in reversed(self.things.values()) if thing["object"] == "subscription" and thing["status"] not in ENDED]
        if after := given.get("starting_after"):
            places = [place for place, row in enumerate(rows) if row["id"] == after]
            if not places:
                raise Error(400, f"No such subscription: '{after}'", code="resource_missing", param="starting_after")
            rows = rows[places[0] + 1 :]
        shown = [self._shown(row) for row in rows[:size]]
        return {"object": "list", "url": "/v1/subscriptions", "data": shown, "has_more": len(rows) > size}

    def _change(self, found: dict[str, Any], given: dict[str, str]) -> None:
        if found["status"] in ENDED:
            raise Error(400, "A canceled subscription can only update its cancellation_details and metadata.")
        if given.get("proration_behavior", "none") not in PRORATIONS:
            raise Error(400, "Invalid proration_behavior.", param="proration_behavior")
        what: dict[str, Any] = {}
        if (item := given.get("items[0][id]")) and item != found["items"]["data"][0]["id"]:
            raise Error(400, f"No such subscription item: '{item}'", code="resource_missing", param="items[0][id]")
        if "items[0][quantity]" in given:
            what["quantity"] = int(given["items[0][quantity]"])
        if "items[0][price]" in given:
            what["price"] = self._shown(self._found(given["items[0][price]"], "price", "items[0][price]"))
        if "cancel_at_period_end" in given:
            what["cancel_at_period_end"] = given["cancel_at_period_end"] == "true"
        found["_proration"] = given.get("proration_behavior", "create_prorations")
        self.set(found["id"], **what)


def signed(event: dict[str, Any], *, secret: str = SECRET, at: int | None = None) -> tuple[bytes, str]:
    """An event as it is posted: its body, and the header Stripe-Signature."""
    body = json.dumps(event).encode()
    stamp = int(time.time()) if at is None else at
    mark = hmac.new(secret.encode(), f"{stamp}.".encode() + body, "sha256").hexdigest()
    return body, f"t={stamp},v1={mark}"


@contextmanager
def served() -> Iterator[Fake]:
    fake = Fake()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.go()

        def do_POST(self) -> None:
            self.go()

        def do_DELETE(self) -> None:
            self.go()

        def go(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            if parts.path.startswith(("/pay/", "/portal/")):
                return self.page(parts.path)
            params = parse_qsl(parts.query or body, keep_blank_values=True)
            try:
                self.check()
                status, found = 200, fake.answer(self.command, parts.path, params, self.headers.get("Idempotency-Key", ""))
            except Error as error:
                status, found = error.status, error.body
            return self.send(status, json.dumps(found).encode(), "application/json")

        def check(self) -> None:
            if fake.down:
                raise Error(fake.down, "Something went wrong.", kind="api_error")
            kind, _, said = self.headers.get("Authorization", "").partition(" ")
            key = b64decode(said).decode().partition(":")[0] if kind == "Basic" else said
            if key != KEY:
                raise Error(401, f"Invalid API Key provided: {key[:7]}***", kind="invalid_request_error")
            if self.headers.get("Stripe-Version") != VERSION:
                raise Error(400, "Invalid Stripe API version.")

        def page(self, path: str) -> None:
            """Checkout, where a POST pays, and the portal."""
            session = fake.things[path.rpartition("/")[2]]
            if path.startswith("/portal/"):
                html = f'<h1>Invoices</h1><a href="{session["return_url"]}">Back</a>'
            elif self.command == "POST":
                fake.pay(session["id"])
                self.send_response(303)
                self.send_header("Location", session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"]))
                self.end_headers()
                return
            else:
                html = f'<h1>Pay</h1><form method="post"><button>Pay now</button></form><a href="{session["cancel_url"]}">Back</a>'
            self.send(200, f"<!doctype html><title>Stripe</title>{html}".encode(), "text/html")

        def send(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
