#!/usr/bin/python3
"""clients.py SALESD SCRATCH: Debian's grpcio and `buf curl` against a server of their own.

Stubs are generated from our proto at run time; buf curl knows nothing but what reflection tells it.
"""
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[3]
SALESD, SCRATCH = sys.argv[1], pathlib.Path(sys.argv[2])


def generate(out):
    protos = [
        str(p.relative_to(ROOT / "proto"))
        for top in ("sales", "buf", "google")
        for p in sorted((ROOT / "proto" / top).rglob("*.proto"))
    ]
    out.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["protoc", "-I", ROOT / "proto", f"--python_out={out}", f"--grpc_out={out}",
         "--plugin=protoc-gen-grpc=/usr/bin/grpc_python_plugin", *protos],
        check=True,
    )
    # Our google/ and buf/ files are not in the installed google package: extend its path.
    import google

    google.__path__.append(str(out / "google"))
    sys.path.insert(0, str(out))


def start(folder):
    server = subprocess.Popen(
        [SALESD, "--store", f"sqlite:{folder}/sales.db", "--master-key-file", f"{folder}/master.key",
         "--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0", "--bootstrap-tenant", "demo",
         "--bootstrap-env", f"{folder}/env"],
        stdout=subprocess.PIPE, text=True,
    )
    for line in server.stdout:
        if line.startswith("salesd ready"):
            words = dict(w.split("=", 1) for w in line.split()[2:])
            break
    else:
        sys.exit("salesd did not start")
    env = dict(
        line.removeprefix("export ").strip().split("=", 1)
        for line in open(f"{folder}/env") if "=" in line
    )
    return server, words["address"], env["SALES_API_KEY"].strip("'\"")


def with_grpcio(address, key):
    import grpc
    from google.rpc import error_details_pb2, status_pb2
    from sales.v1 import lead_pb2, sales_agent_pb2, sales_agent_pb2_grpc

    stub = sales_agent_pb2_grpc.SalesAgentStub(grpc.insecure_channel(address))
    auth = [("authorization", f"Bearer {key}")]
    made = stub.CreateLead(
        sales_agent_pb2.CreateLeadRequest(
            lead=lead_pb2.Lead(external_id="py-1", full_name="Guido", email="guido@python-shop.example")
        ), metadata=auth, timeout=10)
    assert made.created and made.lead.company.domain == "python-shop.example", made
    got = stub.GetLead(sales_agent_pb2.GetLeadRequest(id=made.lead.id), metadata=auth, timeout=10)
    assert got.lead == made.lead
    try:
        stub.GetLead(sales_agent_pb2.GetLeadRequest(id="nonsense"), metadata=auth, timeout=10)
        raise AssertionError("a malformed id was accepted")
    except grpc.RpcError as e:
        assert e.code() is grpc.StatusCode.INVALID_ARGUMENT, e
        raw = dict(e.trailing_metadata())["grpc-status-details-bin"]
        status = status_pb2.Status.FromString(raw)
        bad = error_details_pb2.BadRequest()
        assert any(d.Unpack(bad) for d in status.details) and bad.field_violations[0].field == "id"

    def rows():
        yield sales_agent_pb2.ImportLeadsRequest(
            open=sales_agent_pb2.ImportOpen(import_id=str(uuid.uuid4())))
        for batch in range(5):
            yield sales_agent_pb2.ImportLeadsRequest(rows=sales_agent_pb2.ImportRows(rows=[
                sales_agent_pb2.ImportRow(
                    row_number=batch * 10 + i + 1,
                    lead=lead_pb2.Lead(external_id=f"imp-{batch}-{i}", full_name=f"Row {i}"))
                for i in range(10)]))

    answers = list(stub.ImportLeads(rows(), metadata=auth, timeout=30))
    assert answers[0].HasField("ready") and answers[-1].summary.created == 50, answers[-1]
    print("grpcio: unary, rich errors and a bidi import pass")


def with_buf_curl(address, key):
    buf = ROOT / "tests/node_modules/.bin/buf"

    def curl(method, data, *more):
        return subprocess.run(
            [buf, "curl", "--protocol", "grpc", "--http2-prior-knowledge", *more,
             "-H", f"authorization: Bearer {key}", "-d", json.dumps(data),
             f"http://{address}/sales.v1.SalesAgent/{method}"],
            capture_output=True, text=True, timeout=60)

    out = curl("CreateLead", {"lead": {"externalId": "buf-1", "fullName": "Buf"}})
    assert out.returncode == 0, out.stderr
    lead = json.loads(out.stdout)["lead"]
    out = curl("ListLeads", {"filter": 'external_id = "buf-1"'}, "--reflect-protocol", "grpc-v1alpha")
    assert [x["id"] for x in json.loads(out.stdout)["leads"]] == [lead["id"]], out.stderr
    out = curl("CreateLead", {"lead": {"email": "x"}})
    error = json.loads(out.stderr)
    kinds = [d["type"] for d in error["details"]]
    assert error["code"] == "invalid_argument" and "google.rpc.BadRequest" in kinds, out.stderr
    services = subprocess.run(
        [buf, "curl", "--protocol", "grpc", "--http2-prior-knowledge", "--list-methods",
         f"http://{address}"], capture_output=True, text=True, timeout=60, check=True).stdout
    for name in ("SalesAgent/ImportLeads", "Coaching/StreamCall", "Forecast/GenerateForecast",
                 "Outreach/DraftEmail", "Admin/CreateApiKey"):
        assert f"sales.v1.{name}" in services, f"{name} is missing in {services}"
    print("buf curl: reflection v1 and v1alpha, calls and errors pass")


generate(SCRATCH / "py")
with tempfile.TemporaryDirectory(prefix="salesd-clients-") as folder:
    server, address, key = start(folder)
    try:
        with_grpcio(address, key)
        with_buf_curl(address, key)
    finally:
        server.send_signal(signal.SIGTERM)
        code = server.wait(timeout=30)
    assert code == 0, f"SIGTERM ended the server with {code}"
