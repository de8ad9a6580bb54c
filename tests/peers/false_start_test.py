#!/usr/bin/env python3
"""TLS False Start (RFC 7918), as browsers do it: the request comes right behind the
client's Finished, often in the same packet, before the server has answered. GnuTLS
does it here; a proxy holds its bytes together, so that they do arrive as one."""
import ctypes
import socket
import threading
import time

from agent import init
from peer import *

CLIENT, FALSE_START, WAS_FALSE_START, CERTIFICATE = 2, 1 << 8, 1 << 5, 1
gnutls = ctypes.CDLL("libgnutls.so.30")


def gather(source, target):
    """Forwards what has come once nothing more came for a while."""
    waiting = b""
    while True:
        source.settimeout(0.1 if waiting else None)
        try:
            piece = source.recv(65536)
            if not piece:
                break
            waiting += piece
        except socket.timeout:
            target.sendall(waiting)
            waiting = b""
        except OSError:
            break
    try:
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def forward(source, target):
    try:
        while piece := source.recv(65536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def proxy_to(port):
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            client, _ = listener.accept()
            server = socket.create_connection(("127.0.0.1", port))
            threading.Thread(target=gather, args=(client, server), daemon=True).start()
            threading.Thread(target=forward, args=(server, client), daemon=True).start()
    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


def ask(port, request):
    """(whether False Start was done, the answer's first bytes or GnuTLS's error)."""
    session, credentials = ctypes.c_void_p(), ctypes.c_void_p()
    gnutls.gnutls_init(ctypes.byref(session), CLIENT | FALSE_START)
    gnutls.gnutls_priority_set_direct(session, b"NORMAL:-VERS-ALL:+VERS-TLS1.2", None)
    gnutls.gnutls_certificate_allocate_credentials(ctypes.byref(credentials))
    gnutls.gnutls_credentials_set(session, CERTIFICATE, credentials)
    s = socket.create_connection(("127.0.0.1", port), 20)
    s.settimeout(None)
    gnutls.gnutls_transport_set_int2(session, s.fileno(), s.fileno())
    failed = gnutls.gnutls_handshake(session)
    early = bool(gnutls.gnutls_session_get_flags(session) & WAS_FALSE_START)
    answer = ctypes.create_string_buffer(4096)
    gnutls.gnutls_record_send(session, request, len(request))
    n = gnutls.gnutls_record_recv(session, answer, len(answer))
    gnutls.gnutls_deinit(session)
    s.close()
    return early, answer.raw[:n] if n >= 0 and failed == 0 else n


data, port = path("server"), free_port()
init(applet("clm-server"), data, port)
server = start(applet("clm-server"), "run", "--data", data)
check("the server listens", wait_port(port))
behind = proxy_to(port)
get = b"GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n"
for i in range(5):
    early, answer = ask(behind, get)
    check("request %d came with the Finished" % i, early)
    check("and is answered", isinstance(answer, bytes) and answer.startswith(b"HTTP/1.1 200 "), answer)
finish()
