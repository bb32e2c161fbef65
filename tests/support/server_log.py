"""What a server says on stderr, read while it still writes."""
import json
import tempfile
import time

TIMEOUT_S = 30


class ServerLog:
    """`file` is for the server's stderr. It appends, and readers open the file anew: on one descriptor
    for both a reader's place would become the writer's."""

    def __init__(self):
        self.file = tempfile.NamedTemporaryFile("ab", prefix="server_log.")

    def text(self):
        """The lines that are whole so far."""
        with open(self.file.name, encoding="utf-8") as f:
            text = f.read()
        return text[:text.rfind("\n") + 1]

    def events(self, name=None):
        lines = [json.loads(line) for line in self.text().splitlines()]
        return [line for line in lines if not name or line["event"] == name]

    def wait(self, name, n, is_wanted=lambda event: True):
        """Those wanted from the n-th of this name on, counted from 0: the log has a thread of its own."""
        end = time.monotonic() + TIMEOUT_S
        while time.monotonic() < end:
            found = [e for e in self.events(name)[n:] if is_wanted(e)]
            if found:
                return found
            time.sleep(0.01)
        raise AssertionError(f"no such {name}: {self.events(name)}")

    def close(self):
        self.file.close()
