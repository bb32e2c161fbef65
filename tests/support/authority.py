"""An issuer of certificates for tests, made with openssl(1) on the spot."""
import os
import subprocess

KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
HERE = "DNS:localhost,IP:127.0.0.1"


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, capture_output=True, timeout=30)


class Pair:
    """Paths of a certificate and its key."""

    def __init__(self, stem):
        self.cert, self.key = f"{stem}.pem", f"{stem}.key"

    def read(self):
        with open(self.cert, "rb") as cert, open(self.key, "rb") as key:
            return cert.read(), key.read()

    def serial(self):
        out = subprocess.run(["openssl", "x509", "-noout", "-serial", "-in", self.cert],
                             check=True, capture_output=True, text=True, timeout=30)
        return out.stdout.strip().split("=")[1]


class Authority:
    def __init__(self, folder, name="authority"):
        self.stem = os.path.join(folder, name)
        self.own, self.n_issued = Pair(self.stem), 0
        openssl("req", "-x509", *KEY, "-keyout", self.own.key, "-out", self.own.cert,
                "-subj", f"/CN={name}", "-days", "2")

    def issue(self, subject="/CN=localhost", names=HERE, days=1):
        """days < 0: ended before it began, so it is expired."""
        self.n_issued += 1
        pair = Pair(f"{self.stem}-{self.n_issued}")
        request, extensions = pair.cert + ".csr", pair.cert + ".ext"
        with open(extensions, "w", encoding="ascii") as f:
            f.write(f"subjectAltName={names}\n" if names else "basicConstraints=CA:FALSE\n")
        openssl("req", *KEY, "-keyout", pair.key, "-out", request, "-subj", subject)
        openssl("x509", "-req", "-in", request, "-CA", self.own.cert, "-CAkey", self.own.key,
                "-CAcreateserial", "-extfile", extensions, "-days", str(days), "-out", pair.cert)
        return pair
