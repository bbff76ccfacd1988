"""Chromium, with a context for each device: its cookies and its storage are its own."""

import os
import re
import subprocess
import tempfile

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
# Every name that a test uses leads to this computer. No other address is asked for.
FLAGS = ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * 127.0.0.1"]
PAGE_MS = 30_000


class Traffic:
    """What browsers asked for and heard, and what must not be found in it later."""

    def __init__(self):
        self.urls = []
        self.statuses = []
        self.secrets = {}
        self.storage = []
        # Of servers that ended before the one of the checks.
        self.logs = []

    def secret(self, kind, text):
        self.secrets[text] = kind
        return text

    def watch(self, context):
        context.on("request", lambda request: self.urls.append(request.url))
        context.on("response", lambda answer: self.statuses.append((answer.url, answer.status)))
        context.on("page", lambda page: page.on("websocket", lambda socket: self.urls.append(socket.url)))


class Device:
    """A browser of somebody: a phone, say. Its pages are the tabs."""

    def __init__(self, browser, traffic, server, **options):
        self.traffic = traffic
        self.server = server
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(PAGE_MS)
        traffic.watch(self.context)

    def open(self, path="/page.html", origin=None):
        page = self.context.new_page()
        page.goto((origin or self.server.url) + path)
        return page

    def cookies(self):
        return {cookie["name"]: cookie for cookie in self.context.cookies()}

    def token_name(self, port=None):
        return f"yep_token_{port or self.server.port}"

    def token(self, port=None):
        cookie = self.cookies().get(self.token_name(port))
        return cookie and self.traffic.secret("token", cookie["value"])

    def keep_storage(self):
        """Notes what scripts can read in this browser, before it is gone."""
        for page in self.context.pages:
            if page.url.startswith("http"):
                read = "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href])"
                self.traffic.storage.append(page.evaluate(read))
        self.traffic.storage.append(str(self.context.storage_state(indexed_db=True)["origins"]))

    def end(self):
        self.context.close()


def call(page, method, path, body=None):
    """A request of the page's script: status and body."""
    answer = page.evaluate("([method, path, body]) => call(method, path, body ?? undefined)", [method, path, body])
    return answer["status"], answer["body"]


def pair(device, role, page=None, port=None):
    """Lets a device in by six digits that a person at the machine reads to it; its page."""
    page = page or device.open()
    code = device.traffic.secret("digits", device.server.window(role)["code"])
    answer = page.evaluate("([code, role]) => pairByCode('a ' + role, code)", [code, role])
    assert answer["status"] == 200 and answer["body"]["role"] == role, answer
    assert device.token(port), "the browser has no cookie"
    return page


class VisibleTabs:
    """A Chromium in which a tab behind another one is hidden, which Playwright's own never is."""

    def __init__(self, playwright, traffic):
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        flags = ["--headless", "--no-first-run", "--remote-debugging-port=0", f"--user-data-dir={self.folder.name}"]
        command = [CHROMIUM, *FLAGS, *flags, "about:blank"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.browser = None
        try:
            address = next(filter(None, (re.search(r"ws://\S+", line) for line in self.process.stderr)))
            self.browser = playwright.chromium.connect_over_cdp(address.group(0), no_defaults=True)
        except BaseException:
            self.end()
            raise
        self.context = self.browser.contexts[0]
        self.context.set_default_timeout(PAGE_MS)
        traffic.watch(self.context)

    def end(self):
        if self.browser:
            self.browser.close()
        self.process.terminate()
        self.process.wait()
        self.process.stderr.close()
        self.folder.cleanup()
