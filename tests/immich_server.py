"""A stand-in for immich's server: the part of its documented API that rgnet uses, with its checks.

Differences between versions are attributes. A search ignores case, finds text anywhere and takes _ and % as wildcards,
as that of every version does.
"""

import json
import re
import threading
import uuid
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = "k3y-of-the-test"
SEARCHED = {"originalPath", "originalFileName", "type", "withExif", "size", "page"}


class Refusal(Exception):
    """status and message of an answer that is not a success."""


class ImmichServer:
    """assets: by id; own: ids that the key's owner may change; troubles: (status, headers) answered first, in order."""

    def __init__(self):
        self.assets, self.foreign, self.troubles, self.requests = {}, set(), [], []
        self.null_clears, self.zero_clears, self.bulk_rates = True, True, True
        self.page_size = 1000

    def add(self, path, rating=None, size=None):
        id = str(uuid.uuid4())
        self.assets[id] = {"originalPath": str(path), "rating": rating, "size": size}
        return id

    def ratings(self):
        return {asset["originalPath"].rpartition("/")[2]: asset["rating"] for asset in self.assets.values()}

    def answer(self, method, path, body):
        if (method, path) == ("POST", "/api/search/metadata"):
            return 200, self.search(body)
        if (method, path) == ("PUT", "/api/assets"):
            self.check(body.get("ids"), body)
            if self.bulk_rates:
                self.rate(body["ids"], body)
            return 204, None
        if method == "PUT" and (single := re.fullmatch("/api/assets/([^/]+)", path)):
            self.check([single[1]], body)
            self.rate([single[1]], body)
            return 200, self.show(single[1])
        raise Refusal(404, f"Cannot {method} {path}")

    def search(self, body):
        size, page = min(body.get("size", 250), self.page_size), body.get("page", 1)
        if set(body) - SEARCHED or not 1 <= body.get("size", 250) <= 1000 or page < 1:
            raise Refusal(400, ["size must not be greater than 1000"])
        found = [id for id, asset in self.assets.items() if self.matches(asset, body)]
        items = [self.show(id) for id in found[(page - 1) * size : page * size]]
        following = str(page + 1) if len(found) > page * size else None
        assets = {
            "total": len(items),
            "count": len(items),
            "items": items,
            "facets": [],
            "nextPage": following,
        }
        return {"albums": {"total": 0, "count": 0, "items": [], "facets": []}, "assets": assets}

    @staticmethod
    def matches(asset, body):
        fields = {
            "originalPath": asset["originalPath"],
            "originalFileName": asset["originalPath"].rpartition("/")[2],
        }
        for field, value in fields.items():
            wanted = re.escape(body.get(field, "")).replace("_", ".").replace("%", ".*")
            if not re.search(wanted, value, re.I):
                return False
        return True

    def show(self, id):
        asset = self.assets[id]
        exif = {"rating": asset["rating"], "fileSizeInByte": asset["size"], "make": "a camera"}
        return {"id": id, "type": "IMAGE", "originalPath": asset["originalPath"], "exifInfo": exif}

    def check(self, ids, body):
        rating = body.get("rating", "none")
        valid = rating is None if self.null_clears else False
        valid |= isinstance(rating, int) and (0 if self.zero_clears else 1) <= rating <= 5
        if not valid:
            raise Refusal(400, ["rating must not be greater than 5"])
        if not ids or set(ids) - set(self.assets) or set(ids) & self.foreign:
            raise Refusal(400, "Not found or no asset.update access")

    def rate(self, ids, body):
        for id in ids:
            self.assets[id]["rating"] = body["rating"] or (None if self.null_clears else body["rating"])


@contextmanager
def running(server):
    """The address of the server while it runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.requests.append((self.command, self.path))
            status, headers, said = self.respond(body)
            data = b"" if said is None else said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(data))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_PUT

        def respond(self, body):
            if server.troubles:
                return *server.troubles.pop(0), b"<html>"
            if self.headers.get("x-api-key") != KEY:
                return 401, {}, {"message": "Invalid API key", "statusCode": 401}
            try:
                status, said = server.answer(self.command, self.path, body)
            except Refusal as refusal:
                status, message = refusal.args
                return status, {}, {"message": message, "error": "Bad Request", "statusCode": status}
            return status, {}, said

        def log_message(self, *_words):
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.server_port}"
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()
