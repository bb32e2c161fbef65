#!/usr/bin/python3
"""run.py SALESD SCRATCH ENGINE: a disk that fills up and one that turns read-only, under the real
server. What was acknowledged survives, what was refused left nothing behind, the client hears why,
and the server goes on when it can write again. Exit code 77: this user cannot mount."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
import world  # noqa: E402

SALESD, SCRATCH, ENGINE = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
SKIPPED = 77
WRITES_MAX = 5000  # until the disk must have told that it is full
PATIENCE_S = 20
SIZE = "24m"


def run(*words):
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


class Mount:
    """A file system of our own; gone at the end whatever happens."""

    def __init__(self, at, *words):
        self.at, self.words = at, words
        at.mkdir(parents=True, exist_ok=True)

    def __enter__(self):
        done = run("mount", *self.words, self.at)
        if done.returncode != 0:
            print(f"skipped: cannot mount a file system: {done.stdout.strip()}")
            sys.exit(SKIPPED)
        return self

    def __exit__(self, *_):
        assert run("umount", self.at).returncode == 0, f"{self.at} stays mounted"


def fill(path):
    """All the space there is."""
    with open(path, "wb", buffering=0) as f:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    f.write(b"x" * size)
            except OSError:
                pass


class Leads:
    """Leads that the server acknowledged."""

    def __init__(self, client):
        self.client, self.names = client, []

    def add(self):
        name = f"Lead {len(self.names)}"
        self.client.call("SalesAgent/CreateLead", lead={"full_name": name, "status_reason": "x" * 300})
        self.names.append(name)

    def add_until_refused(self):
        for _ in range(WRITES_MAX):
            try:
                self.add()
            except world.Refused as e:
                return e
        raise AssertionError(f"{WRITES_MAX} leads fit on the disk")

    def add_soon(self):
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self.add()
            except world.Refused as e:
                assert time.monotonic() < end, f"still refused: {e}"
                time.sleep(0.1)

    def check(self):
        """Exactly these are there."""
        found, token = [], ""
        while True:
            page = self.client.call("SalesAgent/ListLeads", page_size=200, page_token=token)
            found += [lead.full_name for lead in page.leads]
            token = page.next_page_token
            if not token:
                break
        assert sorted(found) == sorted(self.names), f"{len(found)} leads for {len(self.names)} acknowledged ones"


def is_refused(leads, code, reason):
    """Again and again, while what is there can be read."""
    for _ in range(3):
        e = leads.add_until_refused()
        assert (e.code, e.reason) == (code, reason), e
    leads.check()


def outlives_a_full_disk(w, disk):
    leads = Leads(w.start())
    for _ in range(20):
        leads.add()
    fill(disk / "filler")
    is_refused(leads, "RESOURCE_EXHAUSTED", "STORE_FULL")
    (disk / "filler").unlink()
    leads.add_soon()
    leads.check()
    w.stop()
    leads.client = w.start()
    leads.check()
    w.stop()
    print(f"ok   a full disk refuses and loses nothing: {len(leads.names)} leads")


def tablespace(w, disk):
    """Moves the database to the disk."""
    name = f"disk_{os.getpid()}"
    data = subprocess.run(["psql", "-qXAt", "-d", os.environ["SALES_TEST_PG_SUPER"] + " dbname=postgres", "-c",
                           "SHOW data_directory"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    (disk / "space").mkdir()
    owner = os.stat(data)
    for path in (disk, disk / "space"):
        os.chown(path, owner.st_uid, owner.st_gid)
    world.psql(f"CREATE TABLESPACE {name} LOCATION '{disk}/space'")
    world.psql(f"ALTER DATABASE {w.database} SET TABLESPACE {name}")
    return name


def turn(w, state):
    world.psql(f"ALTER DATABASE {w.database} SET default_transaction_read_only = {state}")
    world.psql(f"DO $$ BEGIN PERFORM pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
               f"WHERE datname = '{w.database}'; END $$")


def full_postgres():
    with tempfile.TemporaryDirectory(prefix="salesd-disk.", dir="/tmp") as top:  # where the database's user gets to
        os.chmod(top, 0o755)
        with Mount(pathlib.Path(top, "disk"), "-t", "tmpfs", "-o", f"size={SIZE}", "salesd") as disk:
            w = world.World(SALESD, ENGINE, fresh())
            space = None
            try:
                space = tablespace(w, disk.at)
                outlives_a_full_disk(w, disk.at)
            finally:
                w.close()
                if space:
                    world.psql(f"DROP TABLESPACE {space}")


def read_only_postgres():
    """As after a failover to a replica, and back."""
    w = world.World(SALESD, ENGINE, fresh())
    try:
        leads = Leads(w.start())
        for _ in range(20):
            leads.add()
        turn(w, "on")
        is_refused(leads, "UNAVAILABLE", "STORE_READ_ONLY")
        turn(w, "off")
        leads.add_soon()
        leads.check()
        w.stop()
        print("ok   a read-only database refuses, and takes writes when it is none any more")
    finally:
        w.close()


def fresh():
    SCRATCH.mkdir(parents=True, exist_ok=True)
    return pathlib.Path(tempfile.mkdtemp(prefix=f"{ENGINE}-", dir=SCRATCH))


def full_sqlite():
    folder = fresh()
    with Mount(folder / "disk", "-t", "tmpfs", "-o", f"size={SIZE}", "salesd") as disk:
        w = world.World(SALESD, ENGINE, folder)
        w.store = f"sqlite:{disk.at}/sales.db"
        try:
            outlives_a_full_disk(w, disk.at)
        finally:
            w.close()


def break_down(disk):
    """The kernel finds the file system broken and lets nobody write any more."""
    device = os.path.basename(run("findmnt", "-n", "-o", "SOURCE", disk).stdout.strip())
    try:
        pathlib.Path(f"/sys/fs/ext4/{device}/trigger_fs_error").write_text("test", encoding="ascii")
    except OSError as e:
        print(f"skipped: cannot make a file system read-only under a running server: {e}")
        return False
    return True


def turns_read_only(leads, disk):
    for _ in range(20):
        leads.add()
    if not break_down(disk):
        sys.exit(SKIPPED)
    is_refused(leads, "UNAVAILABLE", "STORE_READ_ONLY")


def read_only_sqlite():
    folder = fresh()
    image = folder / "image"
    with open(image, "wb") as f:
        f.truncate(32 << 20)
    assert run("mkfs.ext4", "-q", "-O", "^has_journal", image).returncode == 0
    mount = Mount(folder / "disk", "-o", "loop,errors=remount-ro", image)
    w = world.World(SALESD, ENGINE, folder)
    w.store = f"sqlite:{mount.at}/sales.db"
    try:
        with mount:
            try:
                leads = Leads(w.start())
                turns_read_only(leads, mount.at)
            finally:
                w.close()
                w.servers.clear()
        assert run("fsck.ext4", "-fy", image).returncode in (0, 1), "the file system is beyond repair"
        with Mount(mount.at, "-o", "loop,ro", image):
            refuses_to_start(w)
        with mount:
            leads.client = w.start()
            leads.check()
            leads.add()
            w.stop()
    finally:
        w.close()
    print("ok   a disk that turns read-only refuses and loses nothing")


def refuses_to_start(w):
    try:
        w.start()
    except AssertionError as e:
        assert re.search(r'"reason":"STORE_READ_ONLY"', str(e)), e
        assert w.servers.pop().wait(world.TIMEOUT_S) in (3, 5), e  # the store, or the first thing it writes
        return
    raise AssertionError("it started on a read-only disk")


def main():
    world.generate(SCRATCH / "python")
    world.learn()
    if os.geteuid() != 0:
        print("skipped: only root can mount a file system")
        return SKIPPED
    for check in (full_sqlite, read_only_sqlite) if ENGINE == "sqlite" else (read_only_postgres, full_postgres):
        check()
    return 0


sys.exit(main())
