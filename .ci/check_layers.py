#!/usr/bin/env python3
"""Refuse what the compiler cannot see: "../" includes, and libraries used outside their folder.

CMake already stops a layer from including a layer it does not link. Two holes remain, because
the compiler resolves "../x.h" by itself and searches /usr/include always. This closes them.
"""
import pathlib
import re
import sys

# system header -> the only folders that may include it
ONLY = {
    "sqlite3.h": ["storage/sqlite", "tests"],
    "libpq-fe.h": ["storage/postgres", "tests"],
    "hiredis/": ["storage/cache"],
    "curl/": ["core/integration", "tests"],
    "grpc/": ["server/rpc", "client/sales", "tests"],
    "jansson.h": ["core/ai", "core/integration", "server/intercept", "tests"],
    "microhttpd.h": ["server/http"],
    "openssl/": ["storage/store", "storage/cache", "core/audit", "core/domain", "core/model", "server/intercept", "server/rpc",
                 "tests"],
    "pcre2.h": ["proto/schema", "core/ai"],
    "utf8proc.h": ["core/domain", "storage/store"],
    "xgboost/": ["core/model", "tests"],
    "libpsl.h": ["core/domain"],
    "libical/": ["core/integration"],
    "criterion/": ["tests"],
}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
TOPS = ("core", "storage", "server", "client", "proto", "tests")


def faults(root):
    for top in TOPS:
        for f in sorted((root / top).rglob("*.[ch]")):
            where = f.relative_to(root)
            if "node_modules" in where.parts or "golden" in where.parts:
                continue
            for mark, name in INCLUDE.findall(f.read_text()):
                if name.startswith("."):
                    yield f'{where}: "{name}" - spell it "<layer>/<file>.h"'
                for lib, homes in ONLY.items():
                    own = mark == '"' and name.startswith("grpc/")  # generated messages of ours
                    if name.startswith(lib) and not own and not any(
                        str(where).startswith(h + "/") for h in homes
                    ):
                        yield f"{where}: <{name}> belongs to {', '.join(homes)}"


found = list(faults(pathlib.Path(__file__).resolve().parent.parent))
print(*found, sep="\n", end="\n" if found else "")
sys.exit(bool(found))
