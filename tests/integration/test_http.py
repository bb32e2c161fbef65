#!/usr/bin/python3
"""usage: test_http.py HTTP_PROBE [PATTERN]

The HTTP client against servers that behave and servers that do not, over real TLS."""
import http.server
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import authority  # noqa: E402

PROBE = sys.argv[1]
HOST = "hooks.example.com"


class Handler(http.server.BaseHTTPRequestHandler):
    """Each path is a behaviour."""
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", **fields):
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.server.seen.append((self.path, dict(self.headers), self.client_address))
        what = self.path.split("/")[1]
        getattr(self, "on_" + what)()

    def do_POST(self):
        self.body = self.rfile.read(int(self.headers["content-length"]))
        self.do_GET()

    def on_plain(self):
        self.answer(200, b"hello", ETag='"v1"', Cache_Control="max-age=60")

    def on_echo(self):
        self.answer(200, json.dumps([self.command, self.body.decode(), dict(self.headers)]).encode())

    def on_redirect(self):
        self.answer(302, Location="http://127.0.0.1:1/")

    def on_huge(self):
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"x" * 65536)
        except OSError:
            pass
        self.close_connection = True

    def on_headers(self):
        self.send_response(200)
        for i in range(600):
            self.send_header(f"x-{i}", "y" * 90)
        self.end_headers()
        self.close_connection = True

    def on_hang(self):
        time.sleep(5)

    def on_loris(self):
        self.send_response(200)
        self.send_header("content-length", "1000")
        self.end_headers()
        try:
            for _ in range(60):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.1)
        except OSError:
            pass
        self.close_connection = True

    def on_close(self):
        self.close_connection = True
        self.connection.close()

    def on_short(self):
        self.send_response(200)
        self.send_header("content-length", "1000")
        self.end_headers()
        self.close_connection = True

    def on_interim(self):
        self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nETag: early\r\n\r\n")
        self.answer(204, ETag="late")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, pair=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen = []
        if pair:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(pair.cert, pair.key)
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        pass

    @property
    def port(self):
        return self.server_address[1]


folder = tempfile.mkdtemp()
ca = authority.Authority(folder)
other = authority.Authority(folder, "other")
secure = Server(ca.issue(names=f"DNS:{HOST},IP:127.0.0.1"))
expired = Server(ca.issue(names=f"DNS:{HOST}", days=-1))
foreign = Server(other.issue(names=f"DNS:{HOST}"))
misnamed = Server(ca.issue(names="DNS:else.example.com"))
plain = Server()


def probe(*words, env=None):
    done = subprocess.run([PROBE, "-a", ca.own.cert, *words], capture_output=True, timeout=60,
                          env={**os.environ, **(env or {})}, check=True)
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


def hook(path, *words, server=secure, allow=True, **more):
    """A customer's URL by name, with the name pinned to loopback, as a hostile DNS would do it."""
    allowed = ["-4", "127.0.0.1"] if allow else []
    url = f"https://{HOST}:{server.port}/{path}"
    return probe(*allowed, "-r", f"{HOST}:{server.port}:127.0.0.1", *words, url, **more)[0]


def expect(got, **want):
    wrong = {k: (got[k], v) for k, v in want.items() if got[k] != v}
    assert not wrong, f"{wrong} in {got}"


def case_an_answer_with_its_header():
    expect(hook("plain"), status="OK", http=200, body="hello", etag='"v1"', cut=False)


def case_a_body_and_fields_are_sent():
    method, body, fields = json.loads(hook("echo", "-d", '{"a":1}', "-H", "webhook-id: msg_1")["body"])
    assert (method, body, fields["webhook-id"]) == ("POST", '{"a":1}', "msg_1")
    assert fields["User-Agent"] == "salesd/test" and "Accept-Encoding" not in fields, fields


def case_a_line_break_in_a_field_is_refused():
    expect(hook("echo", "-d", "", "-H", "a: b\r\nc: d"), status="INVALID_ARGUMENT")


def case_redirects_are_answers():
    expect(hook("redirect"), status="OK", http=302)


def case_interim_answers_leave_no_fields():
    expect(hook("interim"), status="OK", http=204, etag="late")


def case_a_huge_body_is_cut():
    expect(hook("huge", "-b", "1000"), status="OK", cut=True, body="x" * 1000)


def case_a_huge_header_is_refused():
    expect(hook("headers"), status="UNAVAILABLE", reason="HTTP_ANSWER")


def case_silence_ends():
    for path in ("hang", "loris"):
        began = time.monotonic()
        expect(hook(path, "-t", "400"), status="DEADLINE_EXCEEDED", reason="HTTP_TIMEOUT", body="")
        assert time.monotonic() - began < 20


def case_a_handshake_that_never_comes_ends():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"https://127.0.0.1:{mute.getsockname()[1]}/"
        expect(probe("-4", "127.0.0.1", "-t", "400", url)[0], status="DEADLINE_EXCEEDED")


def case_broken_answers_are_failures():
    for path in ("close", "short"):
        expect(hook(path), status="UNAVAILABLE", reason="HTTP_ANSWER", http=0)


def case_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    expect(probe("-4", "127.0.0.1", f"https://127.0.0.1:{port}/")[0], status="UNAVAILABLE", reason="HTTP_CONNECT")


def case_a_name_that_does_not_resolve():
    expect(probe("https://nothing.invalid/")[0], status="UNAVAILABLE", reason="HTTP_DNS")


def case_certificates_are_verified():
    for server in (expired, foreign, misnamed):
        expect(hook("plain", server=server), status="UNAVAILABLE", reason="HTTP_TLS")
        assert not server.seen, "a request was sent to a server that nobody vouches for"


def case_a_peer_without_tls():
    expect(hook("plain", server=plain), status="UNAVAILABLE", reason="HTTP_TLS")


def case_a_caller_that_gave_up():
    expect(hook("hang", "-c"), status="CANCELLED")


def case_a_name_that_turns_private_is_refused_when_connected_to():
    n = len(secure.seen)
    for address, name in (("127.0.0.1", "loopback"), ("[::1]", "loopback"), ("10.1.2.3", "private network"),
                          ("169.254.169.254", "link-local"), ("[::ffff:127.0.0.1]", "IPv4-mapped"),
                          ("[64:ff9b::7f00:1]", "NAT64"), ("[fd00:ec2::254]", "unique local")):
        got = probe("-r", f"{HOST}:443:{address}", f"https://{HOST}/plain")[0]
        expect(got, status="PERMISSION_DENIED", reason="HTTP_ADDRESS", why=f"the address is refused: {name}")
    expect(probe("https://localhost/")[0], status="PERMISSION_DENIED")
    assert len(secure.seen) == n


def case_a_name_answers_otherwise_the_second_time():
    """A resolver whose first answer is public and whose second is loopback."""
    source, shim = os.path.join(folder, "shim.c"), os.path.join(folder, "shim.so")
    with open(source, "w", encoding="ascii") as f:
        f.write("""#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <stdatomic.h>
int getaddrinfo(const char *name, const char *port, const struct addrinfo *hints, struct addrinfo **out)
{
    static atomic_int n;
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
        (int (*)(const char *, const char *, const struct addrinfo *, struct addrinfo **))dlsym(RTLD_NEXT, "getaddrinfo");
    (void)name;
    return real(atomic_fetch_add(&n, 1) % 2 ? "127.0.0.1" : "192.0.2.1", port, hints, out);
}
""")
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", shim, source], check=True)
    url = f"https://rebound.example.com:{secure.port}/plain"
    n = len(secure.seen)
    # The first answer is refused as such; the second, for another client, is too.
    first, second = probe("-4", "10.9.9.9", url, url.replace("rebound", "rebound2"), env={"LD_PRELOAD": shim, "ASAN_OPTIONS": "verify_asan_link_order=0"})
    expect(first, status="PERMISSION_DENIED", why="the address is refused: documentation")
    expect(second, status="PERMISSION_DENIED", why="the address is refused: loopback")
    assert len(secure.seen) == n


def case_connections_are_used_again():
    n = len(secure.seen)
    url = f"https://127.0.0.1:{secure.port}/plain"
    assert [r["http"] for r in probe("-4", "127.0.0.1", url, url, url)] == [200] * 3
    assert len({seen[2] for seen in secure.seen[n:]}) == 1, "three requests, one connection"


def case_a_connection_of_the_operator_carries_no_customers_request():
    n = len(secure.seen)
    url = f"https://{HOST}:{secure.port}/plain"
    words = ("-4", "10.9.9.9", "-r", f"{HOST}:{secure.port}:127.0.0.1")  # any port, not this address
    first, second, third = probe(*words, "+" + url, url, "+" + url)
    expect(first, status="OK", http=200)
    expect(second, status="PERMISSION_DENIED", reason="HTTP_ADDRESS")
    expect(third, status="OK", http=200)
    assert len(secure.seen) == n + 2 and len({seen[2] for seen in secure.seen[n:]}) == 1


def case_the_operators_own():
    expect(probe("-o", f"http://127.0.0.1:{plain.port}/plain")[0], status="OK", http=200)
    expect(probe("-o", f"https://127.0.0.1:{secure.port}/plain")[0], status="OK", http=200)
    expect(probe(f"http://127.0.0.1:{plain.port}/plain")[0], status="INVALID_ARGUMENT", reason="HTTP_URL")


def case_the_environment_sets_no_proxy():
    proxy = f"http://127.0.0.1:{plain.port}"
    n = len(plain.seen)
    expect(hook("plain", env={"https_proxy": proxy, "HTTPS_PROXY": proxy, "ALL_PROXY": proxy}), http=200)
    assert len(plain.seen) == n


def main():
    pattern = sys.argv[2] if len(sys.argv) > 2 else ""
    failed = 0
    for name, run in [(k[5:], v) for k, v in globals().items() if k.startswith("case_") and re.search(pattern, k)]:
        try:
            run()
        except Exception as e:  # pylint: disable=broad-except
            failed += 1
            print(f"FAIL {name}: {e}", flush=True)
        else:
            print(f"ok   {name}", flush=True)
    return 1 if failed else 0


sys.exit(main())
