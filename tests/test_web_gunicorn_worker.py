"""A client that sends its request a byte at a time loses its connection, and others are answered meanwhile."""

import os
import signal
import socket
import subprocess
import sys
import time

from tests.house import ROOT, free_port

SERVER = """
import sys
import web.gunicorn_worker
from gunicorn.app.base import BaseApplication
web.gunicorn_worker.HEAD_SECONDS = web.gunicorn_worker.WHOLE_SECONDS = 0.5
def answer(environ, start_response):
    environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
class Server(BaseApplication):
    def load_config(self):
        for name, value in {
            "bind": "127.0.0.1:" + sys.argv[1], "workers": 1, "threads": 2, "control_socket_disable": True,
            "worker_class": "web.gunicorn_worker.BoundedWorker", "loglevel": "error", "graceful_timeout": 1,
        }.items():
            self.cfg.set(name, value)
    def load(self):
        return answer
Server().run()
"""


def connected(port: int) -> socket.socket:
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=10)
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise AssertionError("the server did not come up")


def test_two_slow_clients_on_two_threads_are_cut_off_and_a_third_is_answered() -> None:
    port = free_port()
    environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(port)], cwd=ROOT, env=environ)
    try:
        with connected(port) as slow_head, connected(port) as slow_body:
            slow_head.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")
            slow_body.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nand")
            time.sleep(0.2)
            with connected(port) as third:
                third.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                assert third.recv(100).startswith(b"HTTP/1.1 200 OK")
            assert b"200" not in slow_head.recv(100)
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=15) == 0
