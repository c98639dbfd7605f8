"""What a Python driver sees through a proxy, as one JSON object on stdout: talk.py DRIVER URL USER_ID..."""

import asyncio
import io
import json
import os
import sys

# or an ordinary query up to the same condition, which the server alone can answer
PREDICT = os.environ.get("QUESTION", "PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR users.user_id")
JOINED = (
    "SELECT u.email, p.probability FROM (" + PREDICT + " IN (1, 2, 3)) AS p"
    " JOIN users u USING (user_id) WHERE p.probability >= 0 ORDER BY u.user_id"
)
WRONG = "SELECT ordrs" if "QUESTION" in os.environ else "PREDICT COUNT(ordrs.*, 0, 30, days) = 0 FOR users.user_id = 1"
ROWS = "SELECT user_id, country FROM users WHERE user_id <= 5 ORDER BY 1"

driver, url, ids = sys.argv[1], sys.argv[2], [int(i) for i in sys.argv[3:]]


def figures(rows):
    return [[int(row[0]), float(row[-1])] for row in rows]


def psycopg2():
    import psycopg2 as module

    connection = module.connect(url)
    cursor = connection.cursor()
    seen = {}
    cursor.execute("SELECT 1, %s", ("it's",))
    seen["plain"] = list(cursor.fetchone())
    cursor.execute(PREDICT + " IN (1, 2, 3)")
    seen["predict"] = figures(cursor.fetchall())
    seen["columns"] = [column.name for column in cursor.description]
    cursor.execute(PREDICT + " = ANY (%s)", (ids,))
    seen["parameter"] = figures(cursor.fetchall())
    cursor.execute(JOINED)
    seen["joined"] = [[email, float(p)] for email, p in cursor.fetchall()]
    named = connection.cursor(name="some")
    named.itersize = 2
    named.execute(PREDICT + " IN (1, 2, 3)")
    seen["cursor"] = figures(list(named))
    named.close()
    out = io.StringIO()
    cursor.copy_expert("COPY (" + ROWS + ") TO STDOUT", out)
    cursor.execute("CREATE TEMP TABLE copied (user_id bigint, country text)")
    cursor.copy_expert("COPY copied FROM STDIN", io.StringIO(out.getvalue()))
    cursor.execute("SELECT count(*) FROM copied")
    seen["copied"] = cursor.fetchone()[0]
    connection.commit()
    try:
        cursor.execute(WRONG)
    except module.Error as error:
        seen["error"] = [error.pgcode, int(error.diag.statement_position)]
    connection.rollback()
    cursor.execute("SELECT 1")
    seen["after"] = cursor.fetchone()[0]
    return seen


def psycopg():
    import psycopg as module

    with module.connect(url) as connection:
        seen = {}
        seen["plain"] = list(connection.execute("SELECT 1, %s::text", ("it's",)).fetchone())
        cursor = connection.execute(PREDICT + " IN (1, 2, 3)")
        seen["columns"] = [column.name for column in cursor.description]
        seen["predict"] = figures(cursor.fetchall())
        for _ in range(8):  # prepared from the sixth time on
            seen["parameter"] = figures(connection.execute(PREDICT + " = ANY (%s)", (ids,)).fetchall())
        seen["one"] = figures(connection.execute(PREDICT + " = %s", (ids[0],)).fetchall())
        seen["joined"] = [[email, float(p)] for email, p in connection.execute(JOINED).fetchall()]
        with connection.cursor(binary=True) as cursor:
            seen["binary"] = figures(cursor.execute(PREDICT + " IN (1, 2, 3)").fetchall())
        with connection.cursor(name="some") as cursor:
            cursor.itersize = 2
            seen["cursor"] = figures(list(cursor.execute(PREDICT + " IN (1, 2, 3)")))
        connection.execute("CREATE TEMP TABLE copied (user_id bigint, country text)")
        with connection.cursor() as cursor:
            with cursor.copy("COPY (" + ROWS + ") TO STDOUT (FORMAT binary)") as copy:
                data = b"".join(bytes(block) for block in copy)
            with cursor.copy("COPY copied FROM STDIN (FORMAT binary)") as copy:
                copy.write(data)
        seen["copied"] = connection.execute("SELECT count(*) FROM copied").fetchone()[0]
        connection.commit()
        with connection.pipeline():
            first = connection.execute("SELECT 1")
            second = connection.execute(PREDICT + " IN (1, 2, 3)")
            seen["pipeline"] = [first.fetchone()[0], figures(second.fetchall())]
        connection.commit()
        try:
            connection.execute(WRONG)
        except module.Error as error:
            seen["error"] = [error.sqlstate, int(error.diag.statement_position)]
        connection.rollback()
        seen["after"] = connection.execute("SELECT 1").fetchone()[0]
        return seen


async def asyncpg():
    import asyncpg as module

    connection = await module.connect(url)
    seen = {}
    seen["plain"] = list(await connection.fetchrow("SELECT 1, $1::text", "it's"))
    rows = await connection.fetch(PREDICT + " IN (1, 2, 3)")
    seen["columns"] = list(rows[0].keys())
    seen["predict"] = seen["binary"] = figures(list(row.values()) for row in rows)
    for _ in range(3):
        seen["parameter"] = figures([list(row.values()) for row in await connection.fetch(PREDICT + " = ANY ($1)", ids)])
    seen["one"] = figures([list(row.values()) for row in await connection.fetch(PREDICT + " = $1", ids[0])])
    seen["joined"] = [list(row.values()) for row in await connection.fetch(JOINED)]
    async with connection.transaction():
        found = []
        async for row in connection.cursor(PREDICT + " IN (1, 2, 3)", prefetch=2):
            found.append(list(row.values()))
        seen["cursor"] = figures(found)
    out = io.BytesIO()
    await connection.copy_from_query(ROWS, output=out)
    await connection.execute("CREATE TEMP TABLE copied (user_id bigint, country text)")
    out.seek(0)
    await connection.copy_to_table("copied", source=out, schema_name="pg_temp")
    seen["copied"] = await connection.fetchval("SELECT count(*) FROM copied")
    try:
        await connection.fetch(WRONG)
    except module.PostgresError as error:
        seen["error"] = [error.sqlstate, int(error.position)]
    seen["after"] = await connection.fetchval("SELECT 1")
    await connection.close()
    return seen


result = asyncio.run(asyncpg()) if driver == "asyncpg" else {"psycopg2": psycopg2, "psycopg": psycopg}[driver]()
print(json.dumps(result))
