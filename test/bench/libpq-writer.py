"""Rows through libpq itself, which alone knows the time-outs of the URL: LibpqWriter (libpq-writer.ts) starts it.

URL TABLE CONNECTIONS PAUSE_MS RETRY_MS FIRST_ID. One line an acknowledgement: `ID SENT ACKNOWLEDGED TIMELINE`, times in
milliseconds of CLOCK_MONOTONIC. It ends when its standard input does.
"""

import itertools
import os
import random
import sys
import threading
import time

import psycopg2

url, table, connections, pause, retry, first = sys.argv[1:7]
ids = itertools.count(int(first))
INSERT = (
    f"INSERT INTO {table} (id, worker) VALUES (%s, %s) "
    "RETURNING substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8)"
)


def now():
    return time.monotonic() * 1000


def write(worker):
    while True:
        client = None
        try:
            client = psycopg2.connect(url)
            client.autocommit = True
            cursor = client.cursor()
            while True:
                row, sent = next(ids), now()
                cursor.execute(INSERT, (row, worker))
                timeline = int(cursor.fetchone()[0], 16)
                os.write(1, f"{row} {sent:.3f} {now():.3f} {timeline}\n".encode())
                time.sleep(float(pause) / 1000)
        except psycopg2.Error:
            time.sleep(float(retry) / 1000 * random.uniform(0.5, 1.5))
        finally:
            if client is not None:
                client.close()


for number in range(int(connections)):
    threading.Thread(target=write, args=(number,), daemon=True).start()
sys.stdin.read()
os._exit(0)
