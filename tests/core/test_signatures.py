"""Signatures of webhooks, with the package of Standard Webhooks as the oracle, both ways."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from agentos.core.security.signatures import (
    TOLERANCE,
    BadSecret,
    Unverified,
    check_secret,
    headers_for,
    new_secret,
    sign,
    verify,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SECRET = new_secret()
BODY = '{"event": "message_received", "data": {"text": "Grüße"}}'.encode()

IDS = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="."), min_size=1, max_size=200)


def signed(*, at: datetime = NOW, secret: str = SECRET, message_id: str = "msg_1", body: bytes = BODY) -> dict[str, str]:
    """Return the headers as the reference package makes them."""
    signature = Webhook(secret).sign(message_id, at, body.decode())
    return {"webhook-id": message_id, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}


class TestASignature:
    @given(message_id=IDS, body=st.text(), key=st.binary(min_size=24, max_size=64), at=st.integers(1, 10**11 - 1))
    def test_is_the_one_of_the_reference(self, message_id: str, body: str, key: bytes, at: int) -> None:
        if any(0xD800 <= ord(character) < 0xE000 for character in body):
            return  # cannot be sent
        secret = "whsec_" + base64.b64encode(key).decode()
        ours = sign(secret, message_id=message_id, timestamp=at, body=body.encode())
        assert ours == Webhook(secret).sign(message_id, datetime.fromtimestamp(at, tz=UTC), body)

    def test_is_taken_by_the_reference(self) -> None:
        now = int(datetime.now(tz=UTC).timestamp())
        headers = headers_for([new_secret(), SECRET], message_id="msg_1", timestamp=now, body=BODY)
        assert Webhook(SECRET).verify(BODY, headers)["data"] == {"text": "Grüße"}
        with pytest.raises(WebhookVerificationError):
            Webhook(new_secret()).verify(BODY, headers)

    def test_of_the_reference_is_taken(self) -> None:
        proven = verify([SECRET], signed(), BODY, now=NOW)
        assert (proven.message_id, proven.sent_at) == ("msg_1", NOW)

    def test_is_the_one_that_the_standard_publishes(self) -> None:
        secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        body = b'{"test": 2432232314}'
        expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        assert sign(secret, message_id="msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp=1614265330, body=body) == expected


class TestVerifying:
    def test_knows_header_names_in_any_case(self) -> None:
        assert verify([SECRET], {name.title(): value for name, value in signed().items()}, BODY, now=NOW)

    def test_takes_one_matching_signature_of_several(self) -> None:
        headers = signed()
        headers["webhook-signature"] = f"v1a,abc {signed(secret=new_secret())['webhook-signature']} {headers['webhook-signature']}"
        assert verify([SECRET], headers, BODY, now=NOW)

    def test_takes_either_of_two_secrets(self) -> None:
        old = new_secret()
        assert verify([SECRET, old], signed(secret=old), BODY, now=NOW)
        assert verify([SECRET, old], signed(), BODY, now=NOW)

    @pytest.mark.parametrize("away", [TOLERANCE, -TOLERANCE, timedelta(0)])
    def test_takes_five_minutes_both_ways(self, away: timedelta) -> None:
        assert verify([SECRET], signed(at=NOW + away), BODY, now=NOW)

    @pytest.mark.parametrize(("away", "word"), [(-TOLERANCE - SECOND, "too old"), (TOLERANCE + SECOND, "future")])
    def test_refuses_a_second_more(self, away: timedelta, word: str) -> None:
        with pytest.raises(Unverified, match=word):
            verify([SECRET], signed(at=NOW + away), BODY, now=NOW)

    @pytest.mark.parametrize("place", range(0, len(BODY), 5))
    def test_refuses_a_body_with_one_other_byte(self, place: int) -> None:
        changed = BODY[:place] + bytes([BODY[place] ^ 1]) + BODY[place + 1 :]
        with pytest.raises(Unverified, match="No signature"):
            verify([SECRET], signed(), changed, now=NOW)

    @pytest.mark.parametrize(
        ("header", "value"),
        [
            ("webhook-id", "msg_2"),
            ("webhook-timestamp", str(int(NOW.timestamp()) + 1)),
            ("webhook-signature", "v1," + base64.b64encode(b"x" * 32).decode()),
            ("webhook-signature", "v1,"),
            ("webhook-signature", "v1"),
            ("webhook-signature", ","),
            ("webhook-signature", "ünïcode"),
        ],
    )
    def test_refuses_another_header(self, header: str, value: str) -> None:
        with pytest.raises(Unverified, match="No signature"):
            verify([SECRET], {**signed(), header: value}, BODY, now=NOW)

    def test_refuses_every_signature_with_one_other_character(self) -> None:
        signature = signed()["webhook-signature"]
        for place in range(3, len(signature)):
            changed = signature[:place] + ("A" if signature[place] != "A" else "B") + signature[place + 1 :]
            with pytest.raises(Unverified):
                verify([SECRET], {**signed(), "webhook-signature": changed}, BODY, now=NOW)

    def test_refuses_a_signature_of_another_kind(self) -> None:
        with pytest.raises(Unverified):
            verify([SECRET], {**signed(), "webhook-signature": signed()["webhook-signature"].replace("v1,", "v1a,")}, BODY, now=NOW)

    @pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp", "webhook-signature"])
    def test_needs_each_header(self, header: str) -> None:
        for headers in ({**signed(), header: ""}, {name: value for name, value in signed().items() if name != header}):
            with pytest.raises(Unverified, match="missing"):
                verify([SECRET], headers, BODY, now=NOW)

    @pytest.mark.parametrize("timestamp", ["0", "-1", "1e9", "1.5", "٣", " 1", "01", "nan", "9" * 13, "now", "1_0"])
    def test_refuses_a_timestamp_that_is_no_whole_number(self, timestamp: str) -> None:
        with pytest.raises(Unverified, match="whole seconds"):
            verify([SECRET], {**signed(), "webhook-timestamp": timestamp}, BODY, now=NOW)

    def test_does_not_read_a_part_of_the_id_as_the_timestamp(self) -> None:
        """``a.T1.T2.body`` is the signed text of the id ``a`` and of the id ``a.T1``: only one of them may be a message."""
        later = int(NOW.timestamp())
        inner = f"{later}.{{}}".encode()
        headers = signed(message_id="a", at=NOW - timedelta(days=1), body=inner)
        stretched = {
            "webhook-id": f"a.{headers['webhook-timestamp']}",
            "webhook-timestamp": str(later),
            "webhook-signature": headers["webhook-signature"],
        }
        with pytest.raises(Unverified, match="dot"):
            verify([SECRET], stretched, b"{}", now=NOW)

    @pytest.mark.parametrize("message_id", ["a b", "a\nb", "é", "x" * 201, "a.b"])
    def test_refuses_an_id_that_is_none(self, message_id: str) -> None:
        with pytest.raises(Unverified, match="webhook-id"):
            verify([SECRET], {**signed(), "webhook-id": message_id}, BODY, now=NOW)

    def test_never_passes_without_a_secret(self) -> None:
        with pytest.raises(Unverified):
            verify([], signed(), BODY, now=NOW)


class TestASecret:
    def test_is_fresh_and_of_the_standard(self) -> None:
        assert len({new_secret() for _ in range(100)}) == 100
        assert len(base64.b64decode(new_secret().removeprefix("whsec_"))) == 32

    @pytest.mark.parametrize("length", [24, 25, 26, 64])
    def test_may_come_without_padding_and_prefix(self, length: int) -> None:
        whole = base64.b64encode(b"k" * length).decode()
        for secret in (whole, whole.rstrip("="), f"whsec_{whole}"):
            check_secret(secret)
            assert sign(secret, message_id="a", timestamp=1, body=b"") == Webhook(secret).sign("a", datetime.fromtimestamp(1, tz=UTC), "")

    @pytest.mark.parametrize(
        "secret",
        [
            "",
            "whsec_",
            "whsec_" + base64.b64encode(b"k" * 23).decode(),
            base64.b64encode(b"k" * 65).decode(),
            "whsec_not base64!",
            "whsec_é",
            "whsec_a",
            "whsec_" + "=" * 32,
        ],
    )
    def test_of_another_shape_is_refused(self, secret: str) -> None:
        with pytest.raises(BadSecret):
            check_secret(secret)
