"""What the engine itself takes: the same rows into the same tables and indexes, in batches of the
import's size with a durable commit each, and no server in between. The rows are those that salesd
just stored, copied from a table in memory, so nothing is packed, sealed, sent or bound."""
import os
import sqlite3
import statistics
import subprocess
import time

from servers import Failed

LEADS, BATCH, SESSIONS, SAMPLES = 20_000, 500, 4, 100


def measure(engine, server):
    out = {"batch": BATCH, "fsync_ms": round(fsync_ms(engine.folder), 3)}
    out.update(postgres(engine) if engine.postgres else sqlite(server.data + ".db", engine.folder))
    return out


def fsync_ms(folder):
    path, taken = os.path.join(folder, "fsync"), []
    fd = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        for i in range(SAMPLES):
            os.pwrite(fd, b"x" * 4096, 4096 * i)
            start = time.perf_counter()
            os.fdatasync(fd)
            taken.append(time.perf_counter() - start)
    finally:
        os.close(fd)
        os.unlink(path)
    return statistics.median(taken) * 1e3


def slices(n_rows, leads):
    """Row ranges [from, to] (from 1) of a table with n_rows, one per batch of leads."""
    batches = max(1, leads // BATCH)
    edges = [n_rows * i // batches for i in range(batches + 1)]
    return [(edges[i] + 1, edges[i + 1]) for i in range(batches)]


def sqlite(path, folder):
    target = os.path.join(folder, "limit.db")
    con = sqlite3.connect(target, isolation_level=None)
    try:
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "temp_store = MEMORY", "cache_size = -65536"):
            con.execute(f"PRAGMA {pragma}")
        con.execute("CREATE TABLE one (a INTEGER)")
        taken = []
        for _ in range(SAMPLES):
            start = time.perf_counter()
            con.execute("INSERT INTO one VALUES (1)")
            taken.append(time.perf_counter() - start)
        con.execute("ATTACH ? AS src", (path,))
        rate = sqlite_rows(con)
    finally:
        con.close()
        for suffix in ("", "-wal", "-shm"):
            if os.path.exists(target + suffix):
                os.unlink(target + suffix)
    return {"commit_ms": round(statistics.median(taken) * 1e3, 3), "rows_rate": round(rate)}


def sqlite_rows(con):
    leads = min(LEADS, con.execute("SELECT count(*) FROM src.lead").fetchone()[0])
    plan = []
    for name, sql in con.execute("SELECT name, sql FROM src.sqlite_master WHERE type = 'table'"
                                 " AND name NOT LIKE 'sqlite_%'").fetchall():
        rows = con.execute(f"SELECT count(*) FROM src.{name}").fetchone()[0]
        if rows < leads:
            continue  # not written per lead
        columns = [c[1] for c in con.execute(f"PRAGMA src.table_info({name})")]
        order = "seq" if "seq" in columns else "id"
        con.execute(sql)
        for (index,) in con.execute("SELECT sql FROM src.sqlite_master WHERE type = 'index' AND tbl_name = ?"
                                    " AND sql IS NOT NULL", (name,)).fetchall():
            con.execute(index)
        share = rows * leads // con.execute("SELECT count(*) FROM src.lead").fetchone()[0]
        con.execute(f"CREATE TEMP TABLE from_{name} AS SELECT * FROM src.{name} ORDER BY {order} LIMIT {share}")
        plan.append((name, slices(share, leads)))
    start = time.perf_counter()
    for batch in range(len(plan[0][1])):
        con.execute("BEGIN IMMEDIATE")
        for name, ranges in plan:
            con.execute(f"INSERT INTO main.{name} SELECT * FROM from_{name} WHERE rowid BETWEEN ? AND ?", ranges[batch])
        con.execute("COMMIT")
    return leads / (time.perf_counter() - start)


def postgres(engine):
    pg = engine.postgres
    url = pg.url(pg.super, next(d for d in engine.databases if d.endswith("_salesd")))
    pg.query(url, "CREATE SCHEMA raw; CREATE TABLE raw.one (a int)")
    # Timed inside of the server, with a commit for each row.
    taken = pg.query(url, f"""DO $$ DECLARE t timestamptz := clock_timestamp(); BEGIN
        FOR i IN 1..{SAMPLES} LOOP INSERT INTO raw.one VALUES (i); COMMIT; END LOOP;
        CREATE TABLE raw.taken AS SELECT extract(epoch FROM clock_timestamp() - t) AS s; END $$""")
    taken = float(pg.query(url, "SELECT s FROM raw.taken")) / SAMPLES * 1e3
    return {"commit_ms": round(taken, 3), "rows_rate": round(postgres_rows(pg, url))}


def postgres_rows(pg, url):
    leads = min(LEADS, int(pg.query(url, "SELECT count(*) FROM lead")))
    total = int(pg.query(url, "SELECT count(*) FROM lead"))
    tables = pg.query(url, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                           " AND relkind IN ('r', 'p') AND NOT relispartition").split()
    statements, batches = [], max(1, leads // BATCH)
    for name in tables:
        rows = int(pg.query(url, f'SELECT count(*) FROM "{name}"'))
        if rows < leads:
            continue  # not written per lead
        columns = pg.query(url, f"SELECT attname FROM pg_attribute WHERE attrelid = '{name}'::regclass"
                                " AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum").split()
        listed, order = ", ".join(columns), "seq" if "seq" in columns else "id"
        share = rows * leads // total
        pg.query(url, f"""CREATE TABLE raw.{name} (LIKE {name} INCLUDING DEFAULTS INCLUDING INDEXES
                          INCLUDING CONSTRAINTS INCLUDING STORAGE);
            CREATE UNLOGGED TABLE raw.from_{name} AS
                SELECT row_number() OVER (ORDER BY {order}) AS n_, {listed} FROM {name} LIMIT {share};
            CREATE INDEX ON raw.from_{name} (n_); ANALYZE raw.from_{name}""")
        statements.append(f"INSERT INTO raw.{name} ({listed}) SELECT {listed} FROM raw.from_{name}"
                          f" WHERE n_ > {share}::bigint * k / {batches} AND n_ <= {share}::bigint * (k + 1) / {batches};")
    body = " ".join(statements)
    start = time.perf_counter()
    sessions = [subprocess.Popen(["psql", "-X", "-q", "-d", url, "-v", "ON_ERROR_STOP=1", "-c", f"""DO $$ BEGIN
        FOR k IN {batches * i // SESSIONS}..{batches * (i + 1) // SESSIONS - 1} LOOP {body} COMMIT; END LOOP; END $$"""])
                for i in range(SESSIONS)]
    codes = [s.wait() for s in sessions]
    taken = time.perf_counter() - start
    pg.query(url, "DROP SCHEMA raw CASCADE")
    if any(codes):
        raise Failed("the engine's own rate could not be measured")
    return leads / taken
