"""Where replaced exporters send to: an OTLP/HTTP server in this process."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

__all__ = ["Sink"]

_HOST: Final = "127.0.0.1"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A collector that was killed in the middle of a request is no error of ours."""


class Sink:
    """Keeps every request in the order in which they came; the path ``/N`` names the exporter.

    An exporter gets its answer only after its request is kept. So when a collector without queues has answered the
    sender, everything that the payload caused is here.
    """

    def __init__(self) -> None:
        self._arrived = threading.Condition()
        self._items: list[tuple[int, bytes]] = []
        self._total = 0
        self._server = _Server((_HOST, 0), self._handler())
        self.port: Final = int(self._server.server_address[1])
        """TCP port on the loopback interface."""
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.05},
            name="otelcol sink",
            daemon=True,
        )
        self._thread.start()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                number = self.path.strip("/").split("/", 1)[0]
                known = number.isdecimal()
                if known:
                    sink._keep(int(number), body)
                self.send_response(200 if known else 404)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
                """Requests are not logged."""

        return Handler

    def _keep(self, exporter: int, body: bytes) -> None:
        with self._arrived:
            self._items.append((exporter, body))
            self._total += 1
            self._arrived.notify_all()

    def take(self) -> list[tuple[int, bytes]]:
        """Everything that came since the last call: the exporter's number and the request."""
        with self._arrived:
            items, self._items = self._items, []
        return items

    @property
    def total(self) -> int:
        """Requests so far."""
        return self._total

    def wait(self, total: int, timeout: float) -> bool:
        """Wait until there were more than ``total`` requests; tells whether there were.

        Args:
            total: requests that are known already.
            timeout: seconds to wait at most.
        """
        with self._arrived:
            return self._arrived.wait_for(lambda: self._total > total, timeout)

    def close(self) -> None:
        """Stop serving; may be called twice."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5.0)
