"""A job that was given up, put into the database of a running server: no kind that servers run today
ever gives one up on its own within the time of a test."""
import contextlib
import os
import sqlite3
import subprocess
import uuid

KIND = "test.none"  # nobody runs it


def park(store):
    """Its key. store: "sqlite:PATH", or the name of a PostgreSQL database; the tenant is the first."""
    key = uuid.uuid4()
    id_, body = (f"x'{key.hex}'", "x''") if store.startswith("sqlite:") else (f"'\\x{key.hex}'", "''")
    sql = ("INSERT INTO job(tenant_id, id, kind, key, state, due_at, lease_until, fence, attempts, create_time, "
           f"update_time, body, reason) VALUES (1, {id_}, '{KIND}', '{key}', 2, 1, 0, 3, 3, 1, 1, "
           f"{body}, 'TEST')")
    if store.startswith("sqlite:"):
        with contextlib.closing(sqlite3.connect(store[7:], timeout=10)) as db, db:
            db.execute(sql)
    else:
        at = dict(word.split("=", 1) for word in os.environ["SALES_TEST_PG_SUPER"].split())
        subprocess.run(["psql", "-qX", "-v", "ON_ERROR_STOP=1", "-h", at["host"], "-p", at["port"], "-U", at["user"],
                        "-c", sql, store], check=True, timeout=30)
    return str(key)
