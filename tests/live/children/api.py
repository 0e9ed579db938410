"""Stands in for the API: answers 200 on every path, on the port that `serve` names."""

import http.server
import os

from app.supervisor.leash import follow_parent


class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


def main() -> None:
    follow_parent()
    http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PAPERS_PORT"])), Ready).serve_forever()


main()
