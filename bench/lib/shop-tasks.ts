// Questions about the demo's shop, each with what one would write instead: its features and its label in SQL. {t} is the anchor;
// {one} the condition that reads the rows of one user alone, through the indexes, as an online service would write it.

const FEATURES = `
WITH o AS (
  SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY created_at DESC) AS nth,
    created_at - lag(created_at) OVER (PARTITION BY user_id ORDER BY created_at) AS gap
  FROM orders WHERE created_at <= {t}{one}),
a AS (
  SELECT user_id, count(*) n, count(*) FILTER (WHERE created_at > {t} - interval '30 days') n30,
    count(*) FILTER (WHERE created_at > {t} - interval '60 days') n60, count(*) FILTER (WHERE created_at > {t} - interval '90 days') n90,
    sum(total) s, sum(total) FILTER (WHERE created_at > {t} - interval '30 days') s30,
    sum(total) FILTER (WHERE created_at > {t} - interval '90 days') s90, avg(total) mean_total, avg(discount) mean_discount,
    sum(total) FILTER (WHERE nth = 1) last_total, extract(epoch FROM {t} - max(created_at)) / 86400 recency,
    extract(epoch FROM {t} - min(created_at)) / 86400 since_first, extract(epoch FROM avg(gap)) / 86400 mean_gap
  FROM o GROUP BY 1),
i AS (
  SELECT o.user_id, sum(i.quantity) units, count(DISTINCT i.product_id) products, avg(i.unit_price) mean_price
  FROM o JOIN order_items i USING (order_id) GROUP BY 1),
v AS (
  SELECT user_id, count(*) visits, count(*) FILTER (WHERE started_at > {t} - interval '30 days') visits30,
    count(*) FILTER (WHERE started_at > {t} - interval '90 days') visits90, avg(pages) pages,
    extract(epoch FROM avg(duration)) duration, extract(epoch FROM {t} - max(started_at)) / 86400 visit_recency
  FROM sessions WHERE started_at <= {t}{one} GROUP BY 1),
r AS (SELECT user_id, count(*) reviews, avg(rating) mean_rating FROM reviews WHERE created_at <= {t}{one} GROUP BY 1),
m AS (
  SELECT user_id, count(*) sent, count(opened_at) FILTER (WHERE opened_at <= {t}) opened,
    count(*) FILTER (WHERE sent_at > {t} - interval '30 days') sent30
  FROM notifications WHERE sent_at <= {t}{one} GROUP BY 1)
SELECT u.user_id AS entity, u.country, u.channel::text, u.marketing::int, extract(epoch FROM {t} - u.birth_date::timestamp) / 86400 age,
  extract(epoch FROM {t} - u.created_at) / 86400 since_signup, n, n30, n60, n90, s, s30, s90, mean_total, mean_discount, last_total,
  recency, since_first, mean_gap, recency / nullif(mean_gap, 0) lateness, units, products, mean_price, visits, visits30, visits90,
  pages, duration, visit_recency, reviews, mean_rating, sent, opened, sent30
FROM users u LEFT JOIN a USING (user_id) LEFT JOIN i USING (user_id) LEFT JOIN v USING (user_id) LEFT JOIN r USING (user_id)
  LEFT JOIN m USING (user_id)
WHERE u.created_at <= {t}{one}`

const LABEL = `
SELECT u.user_id AS entity, LABEL AS label
FROM users u LEFT JOIN orders o ON o.user_id = u.user_id AND o.created_at > {t} AND o.created_at <= {t} + interval '30 days'
WHERE u.created_at <= {t} GROUP BY 1`

const ALL = FEATURES.replaceAll('{one}', '')
const ONE = FEATURES.replaceAll('{one}', ' AND user_id = {entity}')

export const SHOP_TASKS = [
  {
    name: 'churn',
    type: 'binary',
    pql: 'PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR EACH users.user_id',
    featureSql: ALL,
    oneSql: ONE,
    labelSql: LABEL.replace('LABEL', '(count(o.order_id) = 0)::int'),
  },
  {
    name: 'spend',
    type: 'regression',
    pql: 'PREDICT SUM(orders.total, 0, 30, days) FOR EACH users.user_id',
    featureSql: ALL,
    oneSql: ONE,
    labelSql: LABEL.replace('LABEL', 'coalesce(sum(o.total), 0)::float8'),
  },
] as const
