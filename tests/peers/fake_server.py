"""A server of the test's own in the place of clm-server: HTTPS with a chain and key that we
choose, answers in JSON, and silence about clients that break off."""
import http.server
import json
import ssl
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    """Who derives from it has `handle_one`, for GET and POST."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.handle_one()

    do_POST = do_GET

    def answer(self, status, value, kind="application/json"):
        """JSON; bytes as they are."""
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def problem(self, status, code, **more):
        self.answer(status, {"type": "about:blank", "title": "it is so", "status": status, "code": code, **more},
                    "application/problem+json")

    def log_message(self, *_):
        pass


class FakeServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, handler, chain, key, port=0):
        super().__init__(("127.0.0.1", port), handler)
        self.port = self.server_address[1]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, key)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        pass

    def stop(self):
        self.shutdown()
        self.server_close()
