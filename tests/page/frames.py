"""A relay between a browser and the server that counts the frames of WebSockets which the browser sends."""

import socket
import threading

TEXT, PONG = 1, 10


class FrameCounter:
    """Listens on a port of its own and passes everything on, both ways."""

    def __init__(self, port):
        self.to = port
        self.counts = {TEXT: 0, PONG: 0}
        self.ends = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def counted(self):
        """The pongs and the texts so far."""
        return self.counts[PONG], self.counts[TEXT]

    def end(self):
        for each in [self.listener, *self.ends]:
            close(each)

    def _accept(self):
        while True:
            try:
                browser, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.to))
            self.ends += [browser, server]
            threading.Thread(target=self._pass_on, args=(browser, server, True), daemon=True).start()
            threading.Thread(target=self._pass_on, args=(server, browser, False), daemon=True).start()

    def _pass_on(self, source, sink, is_counted):
        unread = b""
        upgraded = False
        try:
            while data := source.recv(65_536):
                sink.sendall(data)
                if not is_counted:
                    continue
                unread += data
                if not upgraded and b"\r\n\r\n" in unread:
                    head, rest = unread.split(b"\r\n\r\n", 1)
                    upgraded = b"sec-websocket-key" in head.lower()
                    # Requests and their bodies are not looked at.
                    unread = rest if upgraded else b""
                if upgraded:
                    unread = self._count(unread)
        except OSError:
            pass
        for each in (source, sink):
            close(each)

    def _count(self, data):
        """Counts the complete frames (RFC 6455, section 5.2); what is left of the data."""
        while len(data) >= 2:
            length, at = data[1] & 0x7F, 2
            if length >= 126:
                size = 2 if length == 126 else 8
                length, at = int.from_bytes(data[2 : 2 + size]), 2 + size
            # The mask of a client.
            end = at + 4 + length
            if len(data) < end:
                break
            opcode = data[0] & 0x0F
            self.counts[opcode] = self.counts.get(opcode, 0) + 1
            data = data[end:]
        return data


def close(end):
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    end.close()
