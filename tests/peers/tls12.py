"""TLS 1.2 of a server as bytes, made without any TLS library (RFC 5246): for tests that send it whole, cut,
or wrong."""
import struct


def record(body, kind=22):
    return bytes([kind, 3, 3]) + len(body).to_bytes(2, "big") + body


def message(kind, body):
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def chain(*ders):
    entries = b"".join(len(der).to_bytes(3, "big") + der for der in ders)
    return message(11, len(entries).to_bytes(3, "big") + entries)


def server_hello(suite=0xC02F, extensions=b""):
    return message(2, b"\x03\x03" + b"r" * 32 + b"\0" + struct.pack(">H", suite) + b"\0"
                   + (struct.pack(">H", len(extensions)) + extensions if extensions else b""))


def records(data, size):
    return b"".join(record(data[i:i + size]) for i in range(0, len(data), size))


EXCHANGE = message(12, b"\x03\x00\x1d\x20" + b"k" * 32 + b"\x04\x03\x00\x02ab")
REQUEST = message(13, b"\x01\x01" + b"\x00\x02\x04\x03" + b"\x00\x00")
DONE = message(14, b"")
