"""The line to the recorder, which runs outside this process."""

import json
import socket

TIMEOUT_S = 30.0


class Line:
    """Sends one event at a time and waits for its answer, so that nothing happens in between."""

    def __init__(self, address):
        self._file = None
        self.problem = ""
        try:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            sock.settimeout(TIMEOUT_S)
            sock.connect(address)
            self._file = sock.makefile("rwb", buffering=0)
        except OSError as error:
            self.problem = "the recorder could not be reached: %s" % error

    def tell(self, **event):
        """Send an event; once the recorder is gone, stay silent and remember why."""
        if self._file is None:
            return
        try:
            self._file.write(json.dumps(event).encode() + b"\n")
            answer = self._file.readline()
            if not answer:
                raise OSError("it closed the line")
        except (OSError, ValueError) as error:
            self.problem = "the recorder was lost: %s" % error
            self._file = None
