"""How long a recording is, written into its head."""

import struct

from agentos.files.webm import INFO, SEGMENT_OF_ANY_SIZE, with_duration

SCALE = b"\x2a\xd7\xb1\x83\x0f\x42\x40"  # a million nanoseconds
APP = b"\x4d\x80\x86Chrome"
EBML = b"\x1a\x45\xdf\xa3\x80"
TRACKS = b"\x16\x54\xae\x6b\x80rest"


def recorded(size: bytes, body: bytes = SCALE + APP) -> bytes:
    return EBML + SEGMENT_OF_ANY_SIZE + INFO + size + body + TRACKS


def test_is_added_whatever_the_size_was_written_in() -> None:
    for size in (b"\x90", b"\x40\x10", b"\x01\x00\x00\x00\x00\x00\x00\x10"):
        assert len(SCALE + APP) == 16
        made = with_duration(recorded(size), 3.5)
        body = SCALE + APP + b"\x44\x89\x88" + struct.pack(">d", 3500.0)
        assert made == recorded(b"\x01\x00\x00\x00\x00\x00\x00" + bytes((len(body),)), body)


def test_stays_where_it_is_known_and_what_is_no_recording_stays_as_it_is() -> None:
    known = SCALE + b"\x44\x89\x84\x00\x00\x00\x00"
    for data in (recorded(bytes((0x80 | len(known),)), known), b"", EBML, recorded(b"\x00"), recorded(b"\xff"), recorded(b"\x90")[8:]):
        assert with_duration(data, 3.5) == data
