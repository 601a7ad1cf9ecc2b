#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""asyncpg_peer.py - a client of PostgreSQL that prepares, pipelines and binds in binary.

  asyncpg_peer.py PORT COUNT    inserts COUNT customers by one prepared statement, the last 13 in one
                                pipeline, then reads as many by another
"""
import asyncio
import sys

import asyncpg


async def main(port, count):
    conn = await asyncpg.connect(host="127.0.0.1", port=port, user="postgres", database="postgres", ssl=False)
    insert = await conn.prepare("INSERT INTO customers (id, email, card, born) VALUES ($1, $2, $3, '1980-01-02')")
    rows = [(1000 + i, f"binary{i}@harborline-logistics.com", "4111111111111111") for i in range(count)]
    for row in rows[:-13]:
        await insert.fetch(*row)
    await insert.executemany(rows[-13:])
    for row in rows:
        found = await conn.fetch("SELECT email, id, born FROM customers WHERE id = $1", row[0])
        assert [r["email"] for r in found] == [row[1]], found
    await conn.close()


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
