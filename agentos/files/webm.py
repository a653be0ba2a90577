"""WebM as browsers record it: its head, which is written first, does not say how long it is. Then players show no end, and no place."""

import struct

HEAD = 4096
INFO, DURATION, SCALE = b"\x15\x49\xa9\x66", b"\x44\x89", b"\x2a\xd7\xb1"
SEGMENT_OF_ANY_SIZE = b"\x18\x53\x80\x67\x01" + b"\xff" * 7


def with_duration(data: bytes, seconds: float) -> bytes:
    """Return the recording with its length; as it was where that is known, or where it is written in another way."""
    start = data.find(INFO, 0, HEAD)
    if start < 0 or SEGMENT_OF_ANY_SIZE not in data[:start]:
        return data
    at = start + len(INFO)
    width = 9 - data[at].bit_length()  # the bits before the first 1 say how many bytes its size takes
    if not 1 <= width <= 8:  # noqa: PLR2004
        return data
    size = int.from_bytes(data[at : at + width], "big") & ((1 << 7 * width) - 1)
    body = data[at + width : at + width + size]
    if len(body) != size or DURATION in body:
        return data
    scale = 1_000_000  # nanoseconds of a tick, unless it says otherwise
    if (place := body.find(SCALE)) >= 0:
        length = body[place + 3] & 0x7F
        scale = int.from_bytes(body[place + 4 : place + 4 + length], "big") or scale
    body += DURATION + b"\x88" + struct.pack(">d", seconds * 1e9 / scale)
    return data[:at] + b"\x01" + len(body).to_bytes(7, "big") + body + data[at + width + size :]
