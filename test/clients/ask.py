"""Asks one question in each Python driver's own ways; prints the probabilities of user 7 that it got, one a line: driver, way, value."""
import asyncio, sys
import asyncpg, psycopg, psycopg2

url = sys.argv[1]
CHURN = 'PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR '
JOINED = 'SELECT p.probability FROM users u JOIN (%sEACH users.user_id) p USING (user_id) WHERE u.user_id = 7' % CHURN

def say(driver, way, value):
    print(driver, way, repr(float(value)))

with psycopg2.connect(url) as c, c.cursor() as cur:
    cur.execute(CHURN + 'users.user_id = %s', (7,))
    say('psycopg2', 'parameter', cur.fetchone()[3])
    cur.execute(JOINED)
    say('psycopg2', 'join', cur.fetchone()[0])
    with c.cursor('named') as named:
        named.execute('SELECT * FROM (%sEACH users.user_id) p ORDER BY user_id' % CHURN)
        say('psycopg2', 'cursor', named.fetchmany(7)[6][3])

with psycopg.connect(url) as c:
    say('psycopg', 'parameter', c.execute(CHURN + 'users.user_id = %s', (7,)).fetchone()[3])
    say('psycopg', 'binary', c.execute(CHURN + 'users.user_id = ANY(%s)', ([5, 7],), binary=True).fetchall()[1][3])
    for _ in range(7):
        prepared = c.execute(JOINED, prepare=True).fetchone()[0]
    say('psycopg', 'prepared', prepared)

async def main():
    c = await asyncpg.connect(url)
    say('asyncpg', 'parameter', (await c.fetchrow(CHURN + 'users.user_id = $1', 7))['probability'])
    async with c.transaction():
        rows = [r async for r in c.cursor('SELECT * FROM (%sEACH users.user_id) p ORDER BY user_id' % CHURN, prefetch=3)]
    say('asyncpg', 'cursor', rows[6]['probability'])
    await c.close()

asyncio.run(main())
