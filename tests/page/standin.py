"""A stand-in for the service under the path /gallery/: a report's own rows, by the contract of docs/report.md."""

import base64
import contextlib
import json
import re
import threading
from array import array
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

from rgnet import page

ELEMENT = re.compile(r'<script type="application/json" id="([\w-]+)">(.*?)</script>', re.S)
JSON = "application/json"


class Gallery:
    """Answers addresses; `queries` keeps what photos were asked for, `asked` every path."""

    def __init__(self, html):
        held = {id: json.loads(text) for id, text in ELEMENT.findall(html)}
        self.about, self.held = held["all-about"], held
        rows = [row | {"thumbnail": self.thumbnail(row["id"])} for row in held["all-rows"]]
        self.rows = sorted(rows, key=lambda row: (row["error"] is not None, -(row["score"] or 0)))
        self.queries, self.asked = [], []

    def thumbnail(self, id):
        return f"v1/photos/{id}/thumbnail" if "t-" + id in self.held else None

    def answer(self, url):
        """(status, type, body) of a GET."""
        address = urlsplit(url)
        self.asked.append(address.path)
        if not address.path.startswith("/gallery/"):
            return 404, JSON, json.dumps({"error": "nothing is here"})
        files = {
            "": ("text/html", page.render_served()),
            "page.js": ("text/javascript", page.read_script()),
            "page.css": ("text/css", page.read_style()),
        }
        path = address.path.removeprefix("/gallery/")
        if path in files:
            return 200, *files[path]
        return self.photos(
            path.split("/")[2:], {name: text for name, (text,) in parse_qs(address.query).items()}
        )

    def photos(self, parts, query):
        if not parts:
            self.queries.append(query)
            return 200, JSON, json.dumps(self.found(query))
        if parts == ["outline"]:
            return 200, JSON, json.dumps(self.outline(query))
        if parts[1:] == ["thumbnail"]:
            return 200, "image/webp", base64.b64decode(self.held["t-" + parts[0]].partition(",")[2])
        row = next((row for row in self.rows if row["id"] == parts[0]), None)
        if row is None:
            return 404, JSON, json.dumps({"error": "no such photo"})
        return 200, JSON, json.dumps({"photo": row, "detail": self.held.get("d-" + row["id"])})

    def matching(self, query):
        return [row for row in self.rows if query.get("text", "") in row["path"]]

    def outline(self, query):
        rows = self.matching(query)
        scored = [row for row in rows if row["score"] is not None]
        shapes = array("H", [round(1000 * row["width"] / row["height"]) for row in scored])
        return {
            "total": len(rows),
            "failed": len(rows) - len(scored),
            "matching": len(rows),
            "shapes": base64.b64encode(shapes.tobytes()).decode(),
            "runs": [],
        }

    def found(self, query):
        rows = self.matching(query)
        first, failed = int(query["offset"]), sum(row["score"] is None for row in rows)
        shown = rows[first : first + int(query["limit"])]
        counts = {"total": len(rows), "failed": failed, "matching": len(rows)}
        if query.get("counted") == "false":
            counts = dict.fromkeys(counts)
        return {"photos": shown, **counts, "about": self.about}


@contextlib.contextmanager
def serving(gallery):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, kind, body = gallery.answer(self.path)
            body = body.encode() if isinstance(body, str) else body
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Security-Policy", page.CONTENT_SECURITY_POLICY)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        def log_message(self, *_words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield SimpleNamespace(address=f"http://127.0.0.1:{server.server_port}/gallery/", gallery=gallery)
    finally:
        server.shutdown()
        server.server_close()
