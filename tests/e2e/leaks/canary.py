"""Texts that must not show up anywhere, and the forms in which they might."""
import base64
import urllib.parse


def base64_forms(raw):
    """What is in the base64 of any text with `raw` in it: three ways, by where it begins."""
    for lead in range(3):
        whole = raw[:len(raw) - (lead + len(raw)) % 3]  # else its last digit depends on what follows
        text = base64.b64encode(b"\0" * lead + whole)[(0, 2, 3)[lead]:]
        yield text
        yield text.replace(b"+", b"-").replace(b"/", b"_")


def forms(raw):
    """All of them, in lower case but for base64, which has none."""
    plain = raw.lower()
    yield "plain", plain
    yield "hex", raw.hex().encode()
    yield "percent", "".join(f"%{b:02x}" for b in raw).encode()
    quoted = urllib.parse.quote_from_bytes(raw).lower().encode()
    if quoted != plain:
        yield "quoted", quoted
    for text in set(base64_forms(raw)):
        yield "base64", text


class Canaries:
    def __init__(self):
        self.all = {}  # name -> bytes

    def add(self, name, text):
        raw = text if isinstance(text, bytes) else text.encode()
        assert len(raw) >= 8, f"{name} is too short to be told from chance"
        self.all[name] = raw
        planted = [(how, b"<" + form + b">") for how, form in forms(raw)]
        missed = [how for how, text in planted if (name, how) not in self.found_in(text)]
        assert not missed, f"{name} would not be found as {missed}"
        return text

    def found_in(self, data):
        """(name, form) of what is in there."""
        lower = data.lower()
        return {(name, how) for name, raw in self.all.items() for how, form in forms(raw)
                if form in (data if how == "base64" else lower)}
