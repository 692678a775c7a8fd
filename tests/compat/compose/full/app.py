"""Counts visits in redis and in postgres."""

import http.server
import os

import psycopg2
import redis


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        visit = redis.Redis("redis").incr("visits")
        with (
            open("/run/secrets/password") as secret,
            psycopg2.connect(
                host="postgres", user="app", dbname="app", password=secret.read().strip()
            ) as db,
            db.cursor() as cursor,
        ):
            cursor.execute("create table if not exists visits (at timestamptz default now())")
            cursor.execute("insert into visits default values")
            cursor.execute("select count(*) from visits")
            (rows,) = cursor.fetchone()
        body = f"visit {visit}, {rows} in the database\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


print("application listens", os.environ["MODE"], flush=True)
http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
