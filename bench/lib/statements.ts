// Ordinary statements of several lengths, as drivers, object mappers and dashboards send them; pgbench fills in :aid.

const COLUMNS = Array.from(
  { length: 12 },
  (_, i) => `"a"."${['aid', 'bid', 'abalance', 'filler'][i % 4]}" AS "a_column_${i}"`,
)

export const STATEMENTS = [
  { weight: 5, sql: 'SELECT abalance FROM pgbench_accounts WHERE aid = :aid' },
  {
    weight: 3,
    sql: `SELECT ${COLUMNS.join(', ')} FROM "public"."pgbench_accounts" AS "a" INNER JOIN "public"."pgbench_branches" AS "b" ON "b"."bid" = "a"."bid" WHERE "a"."aid" = :aid AND ("a"."filler" IS NOT NULL OR "a"."abalance" > 0) ORDER BY "a"."aid" ASC LIMIT 10 OFFSET 0`,
  },
  {
    weight: 2,
    sql: `/*action='show',application='shop',controller='accounts',route='/accounts/{id}',traceparent='00-5bd66ef5095369c7b0d1f8f4bd33716a-c532cb4098ac3dd2-01'*/ WITH one AS (SELECT a.aid, a.bid, a.abalance FROM pgbench_accounts a WHERE a.aid = :aid), totals AS (SELECT one.bid, count(*) AS accounts, sum(one.abalance) AS balance, max(one.abalance) AS most FROM one GROUP BY one.bid) SELECT t.bid, t.accounts, t.balance, t.most, CASE WHEN t.balance > 0 THEN 'positive' WHEN t.balance < 0 THEN 'negative' ELSE 'even' END AS verdict, coalesce(b.bbalance, 0) AS branch FROM totals t LEFT JOIN pgbench_branches b ON b.bid = t.bid WHERE t.accounts BETWEEN 1 AND 1000 ORDER BY t.balance DESC NULLS LAST`,
  },
] as const
