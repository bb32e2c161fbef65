"""A real salesd on either engine, and calls of any method of the contract: what the end-to-end
programs share. Stubs are generated from our proto at run time."""
import os
import pathlib
import signal
import subprocess
import sys
import urllib.parse

import grpc

ROOT = pathlib.Path(__file__).resolve().parents[2]
TIMEOUT_S = 30
SERVICES = ("sales_agent", "outreach", "coaching", "forecast", "admin")


def generate(out):
    """Python messages of all our protos below `out`, importable from here on."""
    protos = [str(p.relative_to(ROOT / "proto")) for top in ("sales", "buf", "google")
              for p in sorted((ROOT / "proto" / top).rglob("*.proto"))]
    out.mkdir(parents=True, exist_ok=True)
    subprocess.run(["protoc", "-I", ROOT / "proto", f"--python_out={out}", *protos], check=True)
    import google

    google.__path__.append(str(out / "google"))  # ours are not in the installed package
    sys.path.insert(0, str(out))


def psql(sql):
    at = dict(word.split("=", 1) for word in os.environ["SALES_TEST_PG_SUPER"].split())
    subprocess.run(["psql", "-qX", "-h", at["host"], "-p", at["port"], "-U", at["user"],
                    "-c", sql, "postgres"], check=True, timeout=TIMEOUT_S)


class World:
    """One database with any number of servers on it."""

    def __init__(self, salesd, engine, folder):
        self.salesd, self.folder, self.servers = salesd, folder, []
        self.database, self.n_started = None, 0
        (folder / "master.key").write_text(os.urandom(32).hex() + "\n")
        (folder / "master.key").chmod(0o600)
        if engine == "sqlite":
            self.store = f"sqlite:{folder}/sales.db"
            return
        self.database = f"test_{folder.name.replace('-', '_').lower()}_{os.getpid()}"
        roles = {who: dict(word.split("=", 1) for word in os.environ[name].split()) for who, name in
                 (("app", "SALES_TEST_PG"), ("owner", "SALES_TEST_PG_ADMIN"))}
        psql(f"CREATE DATABASE {self.database} OWNER {roles['owner']['user']}")
        url = {who: f"postgres:///{self.database}?" + urllib.parse.urlencode(
            {key: at[key] for key in ("host", "port", "user")}) for who, at in roles.items()}
        self.store = url["app"]
        subprocess.run([salesd, "--store", url["owner"], "--migrate", "--migrate-role",
                        roles["app"]["user"]], check=True, timeout=TIMEOUT_S,
                       stderr=subprocess.DEVNULL)

    def start(self, *flags):
        self.n_started += 1
        log = open(self.folder / f"log.{self.n_started}", "w", encoding="utf-8")
        process = subprocess.Popen(
            [self.salesd, "--store", self.store, "--master-key-file", self.folder / "master.key",
             "--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0", "--bootstrap-tenant", "demo",
             "--bootstrap-env", self.folder / "env", *flags],
            stdout=subprocess.PIPE, stderr=log, text=True,
            env={k: v for k, v in os.environ.items() if not k.startswith("SALES_")})
        self.servers.append(process)
        for line in process.stdout:
            if line.startswith("salesd ready"):
                words = dict(w.split("=", 1) for w in line.split()[2:])
                return Client(words["address"], self.first_key())
        raise AssertionError("salesd did not start: " + open(log.name, encoding="utf-8").read())

    def first_key(self):
        for line in open(self.folder / "env", encoding="utf-8"):
            if line.startswith("export SALES_API_KEY="):
                return line.split("=", 1)[1].strip().strip("'\"")
        raise AssertionError("no key")

    def stop(self):
        for process in self.servers:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=TIMEOUT_S) == 0, "SIGTERM ended the server badly"
        self.servers.clear()

    def close(self):
        for process in self.servers:
            process.kill()
            process.wait()
        if self.database:
            psql(f"DROP DATABASE {self.database} WITH (FORCE)")


class Refused(Exception):
    """A call that failed: gRPC's code by name, and what the details say."""

    def __init__(self, error):
        from google.rpc import error_details_pb2, status_pb2

        self.code, self.text = error.code().name, error.details()
        self.reason, self.metadata, self.fields, self.preconditions = "", {}, {}, []
        raw = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
        for d in status_pb2.Status.FromString(raw).details if raw else ():
            info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
            failed = error_details_pb2.PreconditionFailure()
            if d.Unpack(info):
                self.reason, self.metadata = info.reason, dict(info.metadata)
            elif d.Unpack(bad):
                self.fields = {v.field: v.description for v in bad.field_violations}
            elif d.Unpack(failed):
                self.preconditions = [v.type for v in failed.violations]
                self.violations = {v.subject: v.description for v in failed.violations}
        super().__init__(f"{self.code} {self.reason}: {self.text} {self.fields or self.metadata}")


class Client:
    """Calls as whoever has the key."""

    def __init__(self, address, key):
        self.address, self.key = address, key
        self.channel = grpc.insecure_channel(address)

    def like(self, key):
        """The same server for another caller; None: without a credential."""
        return Client(self.address, key)

    def call(self, method, timeout=TIMEOUT_S, **fields):
        """The answer of "Service/Method"; of a stream: all messages."""
        from google.protobuf import message_factory as factory

        method = METHODS[method]
        make = (getattr(factory, "GetMessageClass", None) or
                factory.MessageFactory().GetPrototype)  # by the age of the library
        classes = [make(d) for d in (method.input_type, method.output_type)]
        request = classes[0](**fields)
        proto = PROTOS[method.full_name]
        path = f"/{method.containing_service.full_name}/{method.name}"
        kind = {(False, False): "unary_unary", (False, True): "unary_stream",
                (True, True): "stream_stream"}[proto.client_streaming, proto.server_streaming]
        stub = getattr(self.channel, kind)(path, lambda m: m.SerializeToString(),
                                           classes[1].FromString)
        metadata = [("authorization", f"Bearer {self.key}")] if self.key else None
        try:
            answer = stub(iter([request]) if proto.client_streaming else request,
                          timeout=timeout, metadata=metadata)
            return list(answer) if proto.server_streaming else answer
        except grpc.RpcError as e:
            raise Refused(e) from None

    def refused(self, method, **fields):
        """What is wrong with the call; it must fail."""
        try:
            self.call(method, **fields)
        except Refused as e:
            return e
        raise AssertionError(f"{method} was allowed")


METHODS, PROTOS = {}, {}  # "Service/Method" -> descriptor; full name -> its FileDescriptorProto part


def learn():
    """Fills METHODS from the generated modules."""
    import importlib

    from google.protobuf import descriptor_pb2

    for name in SERVICES:
        file = importlib.import_module(f"sales.v1.{name}_pb2").DESCRIPTOR
        raw = descriptor_pb2.FileDescriptorProto()
        file.CopyToProto(raw)
        for service in raw.service:
            d = file.services_by_name[service.name]
            for m in service.method:
                METHODS[f"{service.name}/{m.name}"] = d.methods_by_name[m.name]
                PROTOS[f"{d.full_name}.{m.name}"] = m
