"""The messages that we read and write, as tables of `protobuf.py`. Pure data.

Numbers are those of BuildKit's protocol (github.com/moby/buildkit, api/services/control,
frontend/gateway/pb, session/*, solver/pb; github.com/tonistiigi/fsutil, types). What nobody here
reads is left out.
"""

from __future__ import annotations

from orlop.protobuf import BOOL, BYTES, INT, TEXT, UINT, Map, Table

STRINGS = Map(TEXT, TEXT)
EMPTY = Table()

# --- google ---------------------------------------------------------------------------------------

TIMESTAMP = Table(seconds=(1, INT), nanos=(2, INT))
ANY = Table(type_url=(1, TEXT), value=(2, BYTES))
STATUS = Table(code=(1, INT), message=(2, TEXT), details=(3, [ANY]))

# --- solver/pb ------------------------------------------------------------------------------------

PLATFORM = Table(architecture=(1, TEXT), os=(2, TEXT), variant=(3, TEXT))
POSITION = Table(line=(1, INT), character=(2, INT))
RANGE = Table(start=(1, POSITION), end=(2, POSITION))
SOURCE_INFO = Table(filename=(1, TEXT), data=(2, BYTES), language=(4, TEXT))
DEFINITION = Table(ops=(1, [BYTES]), metadata=(2, Map(TEXT, EMPTY)))
SOURCE_OP = Table(identifier=(1, TEXT), attrs=(2, STRINGS))
INPUT = Table(digest=(1, TEXT), index=(2, INT))
OP = Table(inputs=(1, [INPUT]), source=(3, SOURCE_OP))

# --- Control --------------------------------------------------------------------------------------

USAGE = Table(
    id=(1, TEXT), mutable=(2, BOOL), in_use=(3, BOOL), size=(4, INT), created=(6, TIMESTAMP),
    used=(7, TIMESTAMP), uses=(8, INT), description=(9, TEXT), kind=(10, TEXT), shared=(11, BOOL),
    parents=(12, [TEXT]),
)  # fmt: skip
DISK_USAGE_REQUEST = Table(filter=(1, [TEXT]))
DISK_USAGE = Table(record=(1, [USAGE]))
PRUNE_REQUEST = Table(
    filter=(1, [TEXT]), all=(2, BOOL), keep_duration=(3, INT), reserved=(4, INT), max_used=(5, INT),
    min_free=(6, INT),
)  # fmt: skip
CACHE_ENTRY = Table(type=(1, TEXT), attrs=(2, STRINGS))
CACHE = Table(
    export_ref=(1, TEXT), import_refs=(2, [TEXT]), export_attrs=(3, STRINGS),
    exports=(4, [CACHE_ENTRY]), imports=(5, [CACHE_ENTRY]),
)  # fmt: skip
EXPORTER = Table(type=(1, TEXT), attrs=(2, STRINGS))
SOLVE_REQUEST = Table(
    ref=(1, TEXT), definition=(2, DEFINITION), exporter=(3, TEXT), exporter_attrs=(4, STRINGS),
    session=(5, TEXT), frontend=(6, TEXT), attrs=(7, STRINGS), cache=(8, CACHE),
    entitlements=(9, [TEXT]), inputs=(10, Map(TEXT, DEFINITION)), internal=(11, BOOL),
    exporters=(13, [EXPORTER]),
)  # fmt: skip
SOLVE_RESPONSE = Table(exporter_response=(1, STRINGS))
STATUS_REQUEST = Table(ref=(1, TEXT))
VERTEX = Table(
    digest=(1, TEXT), inputs=(2, [TEXT]), name=(3, TEXT), cached=(4, BOOL), started=(5, TIMESTAMP),
    completed=(6, TIMESTAMP), error=(7, TEXT),
)  # fmt: skip
VERTEX_STATUS = Table(
    id=(1, TEXT), vertex=(2, TEXT), name=(3, TEXT), current=(4, INT), total=(5, INT),
    timestamp=(6, TIMESTAMP), started=(7, TIMESTAMP), completed=(8, TIMESTAMP),
)  # fmt: skip
VERTEX_LOG = Table(vertex=(1, TEXT), timestamp=(2, TIMESTAMP), stream=(3, INT), msg=(4, BYTES))
VERTEX_WARNING = Table(
    vertex=(1, TEXT), level=(2, INT), short=(3, BYTES), detail=(4, [BYTES]), url=(5, TEXT),
    info=(6, SOURCE_INFO), ranges=(7, [RANGE]),
)  # fmt: skip
STATUS_RESPONSE = Table(
    vertexes=(1, [VERTEX]), statuses=(2, [VERTEX_STATUS]), logs=(3, [VERTEX_LOG]),
    warnings=(4, [VERTEX_WARNING]),
)  # fmt: skip
VERSION = Table(package=(1, TEXT), version=(2, TEXT), revision=(3, TEXT))
GC_POLICY = Table(all=(1, BOOL), keep_duration=(2, INT), reserved=(3, INT), filters=(4, [TEXT]))
WORKER = Table(
    id=(1, TEXT), labels=(2, STRINGS), platforms=(3, [PLATFORM]), policies=(4, [GC_POLICY]),
    version=(5, VERSION),
)  # fmt: skip
WORKERS = Table(record=(1, [WORKER]))
INFO = Table(version=(1, VERSION))

# --- LLBBridge ------------------------------------------------------------------------------------

CAPABILITY = Table(id=(1, TEXT), enabled=(2, BOOL))
PONG = Table(frontend=(1, [CAPABILITY]), llb=(2, [CAPABILITY]), workers=(3, [WORKER]))
REF = Table(id=(1, TEXT), definition=(2, DEFINITION))
REFS = Table(refs=(1, Map(TEXT, REF)))
OLD_REFS = Table(refs=(1, STRINGS))
RESULT = Table(
    old_ref=(1, TEXT), old_refs=(2, OLD_REFS), ref=(3, REF), refs=(4, REFS),
    metadata=(10, Map(TEXT, BYTES)),
)  # fmt: skip
RETURN_REQUEST = Table(result=(1, RESULT), error=(2, STATUS))
FRONTEND_REQUEST = Table(
    definition=(1, DEFINITION), frontend=(2, TEXT), attrs=(3, STRINGS), final=(10, BOOL),
    cache_imports=(12, [CACHE_ENTRY]), inputs=(13, Map(TEXT, DEFINITION)), evaluate=(14, BOOL),
)  # fmt: skip
FRONTEND_RESPONSE = Table(ref=(1, TEXT), result=(3, RESULT))
REF_REQUEST = Table(ref=(1, TEXT), path=(2, TEXT))

# --- the client's session -------------------------------------------------------------------------

STAT = Table(
    path=(1, TEXT), mode=(2, UINT), uid=(3, UINT), gid=(4, UINT), size=(5, INT), modified=(6, INT),
    link=(7, TEXT), major=(8, INT), minor=(9, INT), xattrs=(10, Map(TEXT, BYTES)),
)  # fmt: skip
PACKET = Table(type=(1, INT), stat=(2, STAT), id=(3, UINT), data=(4, BYTES))
CHUNK = Table(data=(1, BYTES))
CREDENTIALS_REQUEST = Table(host=(1, TEXT))
CREDENTIALS = Table(user=(1, TEXT), secret=(2, TEXT))
SECRET_REQUEST = Table(id=(1, TEXT))
SECRET = Table(data=(1, BYTES))
AGENT_REQUEST = Table(id=(1, TEXT))
