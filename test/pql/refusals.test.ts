// Every kind of error: its code, its place, and a hint whose rewrite, put in as it stands, is accepted.

import t from 'tap'
import type { PgError } from '../../src/pg-error.js'
import { check, parsePredict } from '../../src/pql/index.js'
import { refused } from './ask.js'
import { EXTRA } from './shop-catalog.js'

interface Refusal {
  /** Number in the acceptance suite or name of the kind. */
  readonly is: string
  /** `¦` marks the place the error points at. */
  readonly query: string
  readonly code: string
  /** What the hint's text replaces; null where it replaces the whole statement, absent where the hint is no rewrite. */
  readonly from?: string | null
  /** Part of message, detail or hint. */
  readonly says?: RegExp
}

const U = 'FOR EACH users.user_id'
const Y = `PREDICT COUNT(orders.*, 0, 30, days) > 0 ${U}`

const REFUSALS: readonly Refusal[] = [
  { is: '81', query: 'PREDICT COUNT(¦reviews.*, 0, 30, days) FOR EACH orders.order_id', code: 'PQ002', from: 'FOR EACH orders.order_id' },
  { is: '83', query: `PREDICT LIST_DISTINCT(orders.item_id¦) RANK TOP 5 ${U}`, code: '42601', from: 'LIST_DISTINCT(orders.item_id)' },
  { is: '94', query: "PREDICT COUNT(orders.*,0,30,days)>0 FOR users.user_id IN (¦'a','b')", code: '22P02' },
  { is: '95', query: `PREDICT COUNT(¦transfers.*, 0, 30, days) ${U}`, code: 'PQ006', from: 'COUNT(transfers.*, 0, 30, days)', says: /from_user.*to_user/ },
  { is: '101', query: '¦SUM(orders.amount,0,7,days) FOR users.user_id = 0', code: '42601', from: null },
  { is: '101, misspelt', query: '¦PREDCIT SUM(orders.amount,0,7,days) FOR users.user_id = 0', code: '42601', from: null },
  { is: '102', query: 'PREDICT SUM(orders.amount,0,7,days)¦', code: '42601', from: '' },
  { is: '102, static', query: 'PREDICT users.age > 3¦', code: '42601', from: '' },
  { is: '103 column', query: `PREDICT SUM(orders.¦amont,0,7,days) ${U}`, code: '42703', from: 'amont' },
  { is: '103 table', query: 'PREDICT SUM(orders.amount,0,7,days) FOR EACH ¦userz.user_id', code: '42P01', from: 'userz' },
  { is: '103 other schema', query: 'PREDICT size FOR EACH ¦archive.archive_id', code: '42P01', from: 'archive' },
  { is: '103 quoted', query: 'PREDICT ¦mixedcase FOR EACH "Weird Name"."The Id"', code: '42703', from: 'mixedcase' },
  { is: '104', query: 'PREDICT SUM(orders.amount,0,7,days) FOR EACH ¦users.age', code: '42P10', from: 'users.age' },
  { is: '104 table alone', query: 'PREDICT SUM(orders.amount,0,7,days) FOR EACH ¦users', code: '42601', from: 'users' },
  { is: '104 one of two', query: 'PREDICT COUNT(line_events.*,0,7,days) FOR ¦invoice_lines.line_no = 1', code: '42P10', says: /invoice_lines\.\(invoice_id, line_no\)/ },
  { is: 'no key', query: 'PREDICT line FOR EACH ¦log.line', code: 'PQ001', says: /ALTER TABLE public\.log ADD PRIMARY KEY \(line\).*@predict key\(line\)/ },
  { is: '105', query: `PREDICT SUM(orders.¦*,0,7,days) ${U}`, code: '42601', from: 'SUM(orders.*,0,7,days)' },
  { is: '105 list', query: `PREDICT LIST_DISTINCT(orders.¦*,0,7,days) RANK TOP 3 ${U}`, code: '42601', from: 'LIST_DISTINCT(orders.*,0,7,days)' },
  { is: 'whole table', query: `PREDICT COUNT(¦orders,0,7,days) ${U}`, code: '42601', from: 'COUNT(orders,0,7,days)' },
  { is: 'no table', query: `PREDICT COUNT(¦*,0,7,days) ${U}`, code: '42601', from: 'COUNT(*,0,7,days)' },
  { is: '106', query: `PREDICT ¦orders.amount ${U}`, code: '42803', from: 'orders.amount' },
  { is: '106 text', query: `PREDICT ¦orders.note ${U}`, code: '42803', from: 'orders.note' },
  { is: '106 in WHERE', query: `${Y} WHERE ¦orders.amount > 3`, code: '42803', from: 'orders.amount > 3' },
  { is: '107', query: `PREDICT SUM(orders.amount,¦7,0,days) ${U}`, code: '22023', from: '7,0,days' },
  { is: '107 empty', query: `PREDICT SUM(orders.amount,¦0,0,days) ${U}`, code: '22023', from: '0,0,days' },
  { is: '107 in WHERE', query: `${Y} WHERE COUNT(orders.*, ¦0, -7, days) > 0`, code: '22023', from: '0, -7, days' },
  { is: '108', query: `PREDICT SUM(orders.amount,¦-30,0,days) ${U}`, code: '22023', from: '-30,0,days' },
  { is: '108 across', query: `PREDICT SUM(orders.amount,¦-7,30) ${U}`, code: '22023', from: '-7,30' },
  { is: '108 open', query: `PREDICT SUM(orders.amount,¦-INF,30) ${U}`, code: '22023', from: '-INF,30' },
  { is: '108 ASSUMING', query: `${Y} ASSUMING COUNT(orders.*,¦-7,0,months) > 0`, code: '22023', from: '-7,0,months' },
  { is: '109', query: `${Y} WHERE COUNT(orders.*,¦0,7,days)>0`, code: '22023', from: 'WHERE COUNT(orders.*,0,7,days)>0' },
  { is: '109 across', query: `${Y} WHERE COUNT(orders.*,¦-7,7,hours)>0`, code: '22023', from: '-7,7,hours' },
  { is: '110', query: `PREDICT SUM(orders.amount,0,7,¦fortnights) ${U}`, code: '42601', from: '0,7,fortnights' },
  { is: '110 misspelt', query: `PREDICT SUM(orders.amount,0,7,¦dys) ${U}`, code: '42601', from: '0,7,dys' },
  { is: 'no comma before unit', query: `PREDICT SUM(orders.amount,0,7 ¦days) ${U}`, code: '42601', from: '7 days' },
  { is: 'one bound', query: `PREDICT SUM(orders.amount, 30¦) ${U}`, code: '42601', from: '30' },
  { is: 'fraction', query: `PREDICT SUM(orders.amount, 0, ¦1.5, days) ${U}`, code: '22023', from: '1.5, days' },
  { is: 'no window', query: `PREDICT COUNT(orders.*¦) > 3 ${U}`, code: '42601', from: 'COUNT(orders.*)' },
  { is: 'no window in WHERE', query: `${Y} WHERE COUNT(orders.* WHERE orders.qty > 1¦) > 3`, code: '42601', from: 'COUNT(orders.* WHERE orders.qty > 1)' },
  { is: 'no time', query: `PREDICT COUNT(tags.*, ¦0, 30, days) ${U}`, code: 'PQ003', says: /added_on.*COMMENT ON COLUMN public\.tags\.added_on IS '@predict time'/s },
  { is: 'no end', query: `PREDICT COUNT(orders.*, 0, ¦-INF) ${U}`, code: '22023' },
  { is: 'too long', query: `PREDICT COUNT(orders.*, 0, ¦20000, years) ${U}`, code: '22008' },
  { is: 'too many', query: `PREDICT COUNT(orders.*, 0, ¦3000000000) ${U}`, code: '22003' },
  { is: '111', query: `PREDICT SUM(¦orders.status,0,7,days) ${U}`, code: '42883', from: 'SUM(orders.status,0,7,days)' },
  { is: 'MIN of text', query: `PREDICT MIN(¦orders.note,0,7,days) ${U}`, code: '42883', from: 'MIN(orders.note,0,7,days)' },
  { is: 'unknown aggregate', query: `PREDICT ¦MEAN(orders.amount,0,7,days) ${U}`, code: '42883', from: 'MEAN(' },
  { is: 'COUNT DISTINCT', query: `PREDICT COUNT(¦DISTINCT orders.item_id,0,7,days) ${U}`, code: '42601', from: 'COUNT(DISTINCT ' },
  { is: '112 quotes', query: `${Y} WHERE users.country = ¦US`, code: '42601', from: 'US' },
  { is: '112 number', query: `${Y} WHERE users.country = ¦40`, code: '42883', from: '40' },
  { is: '20', query: `${Y} WHERE users.age = ¦'forty'`, code: '22P02' },
  { is: '20 range', query: `${Y} WHERE users.age = ¦'9999999999'`, code: '22003' },
  { is: '20 bool', query: `${Y} WHERE users.is_premium = ¦1`, code: '42883', from: '1' },
  { is: '20 date', query: `${Y} WHERE users.signup_at > ¦20240131`, code: '42883', from: '20240131' },
  { is: '20 bare date', query: `${Y} WHERE users.country > ¦2024-01-31`, code: '42883', from: '2024-01-31' },
  { is: '20 label', query: "PREDICT COUNT(orders.* WHERE orders.status = ¦'payed', 0, 3) FOR EACH users.user_id", code: '22P02', from: "'payed'" },
  { is: 'no such day', query: `${Y} WHERE users.signup_at > ¦2024-02-30`, code: '22008' },
  { is: '21', query: `${Y} WHERE users.interests = ¦'golf'`, code: '42883', from: "users.interests = 'golf'" },
  { is: '22 list', query: `${Y} WHERE users.age = ¦(1, 2)`, code: '42601', from: 'users.age = (1, 2)' },
  { is: '22 scalar', query: `${Y} WHERE users.age IN ¦5`, code: '42601', from: 'IN 5' },
  { is: '23', query: `${Y} WHERE users.age LIKE ¦'4%'`, code: '42883' },
  { is: '113 NULL', query: `${Y} WHERE users.age > ¦NULL`, code: '22004', from: 'users.age > NULL' },
  { is: '113 bool', query: `${Y} WHERE users.is_premium > ¦true`, code: '42883', from: 'users.is_premium > true' },
  { is: '= NULL', query: `${Y} WHERE users.age <> ¦NULL`, code: '22004', from: 'users.age <> NULL' },
  { is: 'IS 5', query: `${Y} WHERE users.age IS ¦5`, code: '42601', from: 'IS 5' },
  { is: '==', query: `${Y} WHERE users.age ¦== 5`, code: '42601', from: '==' },
  { is: 'constant first', query: `${Y} WHERE ¦5 < users.age`, code: '42601', from: '5 < users.age' },
  { is: 'not a condition', query: `${Y} WHERE ¦users.age`, code: '42804', from: 'users.age' },
  { is: 'two columns', query: `${Y} WHERE users.country = ¦users.plan`, code: '0A000' },
  { is: 'function', query: `${Y} WHERE users.signup_at > ¦now()`, code: '0A000' },
  { is: '114', query: `PREDICT users.plan ${U} ASSUMING ¦COUNT(notifications.*,0,7,days)>0`, code: '42601', from: null },
  { is: '115', query: `PREDICT SUM(orders.amount,0,30,days) ${U} ASSUMING ¦users.plan = 'pro'`, code: '42601', from: null },
  { is: '115 beside WHERE', query: `PREDICT SUM(orders.amount,0,30,days) ${U} WHERE users.age > 3 OR users.age < 2 ASSUMING ¦users.plan = 'pro'`, code: '42601', from: null },
  { is: '116', query: `PREDICT ¦users.age > 3 AND COUNT(orders.*,0,7,days) > 0 ${U}`, code: '42601', from: null },
  { is: '117', query: `PREDICT users.plan ${U} WHERE ¦COUNT(orders.*,-7,0,days)>0`, code: '42601', from: null },
  { is: '118', query: `PREDICT COUNT(orders.*,0,7,days) ¦RANK TOP 2 ${U}`, code: '42804', from: 'COUNT(orders.*,0,7,days) RANK TOP 2' },
  { is: '118 column', query: `PREDICT users.age ¦CLASSIFY ${U}`, code: '42804', from: null },
  { is: '119 TOP', query: `PREDICT LIST_DISTINCT(orders.item_id,0,7,days) ¦TOP 5 ${U}`, code: '42601', from: 'TOP 5' },
  { is: '119 zero', query: `PREDICT LIST_DISTINCT(orders.item_id,0,7,days) ¦RANK TOP 0 ${U}`, code: '22023', from: 'RANK TOP 0' },
  { is: '119 no TOP', query: `PREDICT LIST_DISTINCT(orders.item_id,0,7,days) RANK ¦FOR EACH users.user_id`, code: '42601', from: 'RANK' },
  { is: 'TOP over the limit', query: `PREDICT LIST_DISTINCT(orders.item_id,0,7,days) ¦RANK TOP 1001 ${U}`, code: '53400', from: 'RANK TOP 1001' },
  { is: '41', query: `PREDICT ¦LIST_DISTINCT(orders.item_id,0,7,days) ${U}`, code: '42804', from: 'LIST_DISTINCT(orders.item_id,0,7,days)' },
  { is: '120 static', query: 'PREDICT users.age ¦FORECAST 4 TIMEFRAMES FOR users.user_id = 0', code: '42804', from: null },
  { is: '120 zero', query: `PREDICT COUNT(orders.*,0,7,days) ¦FORECAST 0 TIMEFRAMES ${U}`, code: '22023', from: 'FORECAST 0 TIMEFRAMES' },
  { is: '44', query: `PREDICT COUNT(orders.*,0,7,days) > 1 ¦FORECAST 2 TIMEFRAMES ${U}`, code: '42804', from: 'COUNT(orders.*,0,7,days) > 1' },
  { is: '121', query: `PREDICT AVG(¦SUM(orders.amount,0,30,days),0,90,days) ${U}`, code: '42803', from: 'AVG(SUM(orders.amount,0,30,days),0,90,days)' },
  { is: '60', query: `PREDICT COUNT(orders.* WHERE ¦COUNT(reviews.*,-3,0) > 1,0,90,days) ${U}`, code: '42803' },
  { is: '122 key', query: `PREDICT ¦users.user_id ${U}`, code: '22023', from: 'users.user_id' },
  { is: '122 parent key', query: 'PREDICT ¦users.user_id FOR EACH orders.order_id', code: '22023', from: 'users.user_id' },
  { is: '122 time', query: `PREDICT ¦users.signup_at ${U}`, code: '42804', from: 'users.signup_at' },
  { is: '26 latest time', query: `PREDICT ¦MAX(orders.ordered_at, 0, 3) ${U}`, code: '42804', from: 'MAX(orders.ordered_at, 0, 3)' },
  { is: '123 none', query: 'PREDICT COUNT(orders.*,0,7,days) FOR users.user_id¦', code: '42601', from: 'FOR users.user_id' },
  { is: '123 both', query: `PREDICT COUNT(orders.*,0,7,days) ${U} ¦IN (1,2)`, code: '42601', from: U },
  { is: '123 order', query: 'PREDICT COUNT(orders.*,0,7,days) FOR users.user_id ¦> 3', code: '42601', from: 'FOR users.user_id > 3' },
  { is: 'condition on keys', query: "PREDICT COUNT(orders.*,0,7,days) FOR users.user_id ¦> 3 AND users.country LIKE 'D%' WITH (mode = fast)", code: '42601', from: "FOR users.user_id > 3 AND users.country LIKE 'D%'", says: /SELECT user_id FROM users WHERE users\.user_id > 3 AND users\.country LIKE 'D%'\)/ },
  { is: 'condition on a column', query: "PREDICT COUNT(orders.*,0,7,days) FOR ¦users.country = 'DE'", code: '42P10', from: "FOR users.country = 'DE'", says: /FROM users WHERE users\.country = 'DE'\)/ },
  { is: 'conditions on a column', query: 'PREDICT COUNT(orders.*,0,7,days) FOR ¦users.age IN (30, 40)', code: '42P10', from: 'FOR users.age IN (30, 40)', says: /WHERE users\.age IN \(30, 40\)\)/ },
  { is: 'condition on another column', query: 'PREDICT COUNT(orders.*,0,7,days) FOR ¦users.age BETWEEN 30 AND 40', code: '42P10', from: 'FOR users.age BETWEEN 30 AND 40' },
  { is: 'condition on quoted names', query: 'PREDICT select FOR "Weird Name"."The Id" ¦< 3', code: '42601', from: 'FOR "Weird Name"."The Id" < 3' },
  { is: 'condition no SQL has', query: "PREDICT COUNT(orders.*,0,7,days) FOR ¦users.country STARTS WITH 'D'", code: '42P10', says: /Write: users\.user_id$/ },
  { is: 'COUNT = NULL', query: `PREDICT COUNT(orders.*,0,7,days) = ¦NULL ${U}`, code: '22004', from: 'COUNT(orders.*,0,7,days) = NULL', says: /never NULL: over no rows it is 0.*= 0$/s },
  { is: 'SUM <> NULL', query: `PREDICT SUM(orders.amount,0,7,days) <> ¦NULL ${U}`, code: '22004', from: 'SUM(orders.amount,0,7,days) <> NULL', says: /<> 0$/ },
  { is: 'MAX = NULL', query: `PREDICT MAX(orders.amount,0,7,days) = ¦NULL ${U}`, code: '22004', from: 'MAX(orders.amount,0,7,days) = NULL', says: /IS NULL$/ },
  { is: 'JSON', query: `PREDICT COUNT(orders.* WHERE orders.extra¦->>'a' = 'x',0,7,days) ${U}`, code: '0A000', says: /JSON operators.*ALTER TABLE orders ADD COLUMN a text GENERATED ALWAYS AS \(extra->>'a'\) STORED$/s },
  { is: 'JSON number', query: `${Y} WHERE users.interests¦->0 = 'x'`, code: '0A000', says: /JSON operators/ },
  { is: 'RANK as a function', query: `PREDICT ¦RANK(orders.item_id,0,7,days) ${U}`, code: '42883', from: 'RANK(orders.item_id,0,7,days)', says: /LIST_DISTINCT\(orders\.item_id,0,7,days\) RANK TOP 10$/ },
  { is: 'RANK around a list', query: `PREDICT ¦RANK(LIST_DISTINCT(orders.item_id,0,7,days)) ${U}`, code: '42883', from: 'RANK(LIST_DISTINCT(orders.item_id,0,7,days))' },
  { is: '124', query: `PREDICT LIST_DISTINCT(¦orders.user_id,0,7,days) RANK TOP 3 ${U}`, code: '22023', from: 'LIST_DISTINCT(orders.user_id,0,7,days)' },
  { is: '52', query: `PREDICT LIST_DISTINCT(¦orders.order_id,0,7,days) RANK TOP 3 ${U}`, code: '22023', from: 'LIST_DISTINCT(orders.order_id,0,7,days)' },
  { is: '50', query: `PREDICT LIST_DISTINCT(orders.item_id WHERE ¦users.country = 'US',0,7,days) RANK TOP 3 ${U}`, code: '42601', from: null },
  { is: '46 upwards', query: `PREDICT SUM(¦items.price,0,7,days) ${U}`, code: 'PQ002', from: 'SUM(items.price,0,7,days)' },
  { is: '46 in a filter', query: `PREDICT COUNT(sessions.* WHERE ¦items.price > 3,0,7,days) ${U}`, code: 'PQ002' },
  { is: '47 upwards', query: `PREDICT COUNT(transfers.* VIA to_user WHERE ¦users.age > 3, 0, 3) ${U}`, code: 'PQ006', from: 'users.age' },
  { is: '47 VIA', query: `PREDICT COUNT(orders.* VIA ¦usr_id, 0, 3) ${U}`, code: '42703', from: 'VIA usr_id' },
  { is: 'arrow from no key', query: `PREDICT SUM(orders.¦qty->price, 0, 3) ${U}`, code: '42804' },
  { is: '126 column', query: 'PREDICT orders.qty ¦+ orders.amount FOR EACH orders.order_id', code: '42601', says: /SELECT a\.prediction \+ b\.prediction FROM .* USING \(order_id\)/ },
  { is: '126 number', query: `PREDICT COUNT(orders.*,0,7,days) ¦* 2 ${U} LIMIT 3`, code: '42601', says: /SELECT p\.\*, p\.prediction \* 2 FROM \(PREDICT .*\) AS p LIMIT 3$/ },
  { is: '126 GROUP BY', query: `PREDICT users.segment ${U} ¦GROUP BY prediction`, code: '42601', says: /SELECT prediction, count\(\*\) FROM \(PREDICT .*\) AS p GROUP BY prediction$/ },
  { is: '126 second target', query: `PREDICT COUNT(orders.*,0,7,days)¦, users.age ${U}`, code: '42601', says: /JOIN \(PREDICT users\.age FOR EACH users\.user_id\) AS b USING \(user_id\)$/ },
  { is: 'WHERE before FOR', query: `PREDICT COUNT(orders.*,0,7,days) ¦WHERE users.age > 3 ${U} LIMIT 2`, code: '42601', from: null },
  { is: 'RANK behind FOR', query: `PREDICT LIST_DISTINCT(orders.item_id,0,7) ${U} ¦RANK TOP 3 WITH (mode = fast)`, code: '42601', from: null },
  { is: 'WHERE behind LIMIT', query: `${Y} LIMIT 3 ¦WHERE users.age > 3`, code: '42601', from: 'LIMIT 3 WHERE users.age > 3' },
  { is: 'name behind FOR', query: `PREDICT COUNT(orders.*,0,7,days) ${U} ¦AS n`, code: '42601', says: /COUNT\(orders\.\*,0,7,days\) AS n/ },
  { is: 'two WHEREs', query: `${Y} WHERE users.age > 3 ¦WHERE users.age < 9`, code: '42601', from: 'WHERE' },
  { is: 'USING', query: `${Y} ¦USING (mode = fast)`, code: '42601', from: 'USING' },
  { is: 'trailing', query: `${Y}; ¦SELECT 1`, code: '42601' },
  { is: 'subquery', query: `${Y} WHERE users.age IN (¦SELECT 1)`, code: '0A000' },
  { is: 'arrow for text', query: `PREDICT SUM(orders.item_id¦->>price, 0, 3) ${U}`, code: '42601', from: '->>' },
  { is: 'string', query: `${Y} WHERE users.country = ¦'US`, code: '42601' },
  { is: 'comment', query: `${Y} ¦/* no end`, code: '42601' },
  { is: 'escape', query: `${Y} WHERE users.country = E'a¦\\u12'`, code: '22025' },
  { is: 'EVALUATE', query: `EVALUATE ¦COUNT(orders.*,0,7) ${U}`, code: '42601', says: /EVALUATE PREDICT COUNT/ },
  { is: 'LATERAL', query: 'PREDICT COUNT(orders.*,0,7) FOR users.user_id = ¦u.id', code: '0A000' },
  { is: 'option', query: `${Y} WITH (¦moed = fast)`, code: '22023', from: 'moed' },
  { is: 'option value', query: `${Y} WITH (mode = ¦besst)`, code: '22023', from: 'mode = besst' },
  { is: 'option range', query: `${Y} WITH (context_size = ¦99999999)`, code: '22023', from: 'context_size = 99999999' },
  { is: 'task', query: `${Y} WITH (task = ¦numeric)`, code: '22023', from: 'task = numeric' },
  { is: 'entity time', query: `${Y} ¦AS OF ENTITY TIME`, code: '22023', from: 'AS OF ENTITY TIME' },
  { is: 'entity time, list', query: `PREDICT LIST_DISTINCT(tags.label) RANK TOP 3 ${U} ¦AS OF ENTITY TIME`, code: '22023', from: 'AS OF ENTITY TIME' },
  { is: 'entity without time', query: 'PREDICT tags.label FOR EACH tags.tag_id ¦AS OF ENTITY TIME', code: 'PQ003', says: /@predict time/ },
  { is: 'AS OF', query: `${Y} AS OF ¦5`, code: '42883' },
  { is: 'NULL key', query: 'PREDICT COUNT(orders.*,0,7) FOR users.user_id = ¦NULL', code: '22004', from: 'FOR users.user_id = NULL' },
  { is: 'fraction for a key', query: 'PREDICT COUNT(orders.*,0,7) FOR users.user_id IN (1, ¦1.5)', code: '22P02' },
  { is: 'fraction of nothing for a key', query: 'PREDICT COUNT(orders.*,0,7) FOR users.user_id = ¦1.0', code: '22P02', from: '1.0' },
  { is: 'number beyond a key', query: 'PREDICT COUNT(orders.*,0,7) FOR users.user_id = ¦99999999999999999999', code: '22003', says: /out of range for type integer/ },
  { is: 'row of another width', query: 'PREDICT COUNT(line_events.*,0,7) FOR invoice_lines.(invoice_id, line_no) IN (¦(1, 2, 3))', code: '42601', from: 'IN ((1, 2, 3))', says: /SELECT invoice_id, line_no FROM invoice_lines WHERE invoice_id IN \(1, 2, 3\)/ },
  { is: 'rows without parentheses', query: 'PREDICT COUNT(line_events.*,0,7) FOR invoice_lines.(invoice_id, line_no) IN (¦1, 2, 3, 4)', code: '42601', from: 'IN (1, 2, 3, 4)', says: /IN \(\(1, 2\), \(3, 4\)\)$/ },
  { is: 'each by one key column of two', query: 'PREDICT COUNT(line_events.*,0,7) FOR EACH ¦invoice_lines.line_no', code: '42P10', from: 'invoice_lines.line_no' },
  { is: 'no link, a column for it', query: `PREDICT COUNT(¦archive.*,0,7) ${U}`.replace('archive', 'cold.archive'), code: 'PQ002', says: /ALTER TABLE cold\.archive ADD COLUMN user_id integer, ADD FOREIGN KEY \(user_id\) REFERENCES public\.users \(user_id\)$/ },
  { is: 'no link, a column named like it', query: 'PREDICT COUNT(¦orders.*,0,7) FOR EACH tags.tag_id', code: 'PQ002' },
  { is: 'array constructor', query: `${Y} WHERE users.age = ANY(¦ARRAY[30, 40])`, code: '42601', from: '= ANY(ARRAY[30, 40])', says: /IN \(30, 40\)$/ },
  { is: 'column of a list', query: `${Y} WITH (exclude = ¦'users.age, users.contry')`, code: '42703', from: "exclude = 'users.age, users.contry'", says: /'users\.age, users\.country'$/ },
  { is: 'column of a list without its quotes', query: `${Y} WITH (exclude = ¦'Weird Name.MixedCase, users.age')`, code: '42601', from: "exclude = 'Weird Name.MixedCase, users.age'", says: /'"Weird Name"\."MixedCase", users\.age'$/ },
  { is: 'reserved name in a list', query: 'PREDICT ¦selct FOR EACH "Weird Name"."The Id"', code: '42703', from: 'selct', says: /are "The Id", "select", "MixedCase"/ },
  { is: 'option as a parameter', query: `${Y} WITH (timing = ¦$1)`, code: '0A000', from: 'timing = $1' },
  { is: 'values without IN', query: 'PREDICT COUNT(orders.*,0,7) FOR users.user_id = ¦(1, 2)', code: '42601', from: '= (1, 2)' },
  { is: 'unquoted text key', query: 'PREDICT COUNT(invoices.*,0,7) FOR customers.customer_no = ¦17', code: '42883', from: '17' },
] // biome-ignore format: a table

/** The place nearest to `position` where `text` stands. */
const nearestPlace = (query: string, text: string, position: number): number => {
  const places: number[] = []
  for (let at = query.indexOf(text); at >= 0; at = query.indexOf(text, at + 1)) places.push(at)
  return places.sort((a, b) => Math.abs(a - position) - Math.abs(b - position))[0]
}

/** The statement with the hint's first suggestion put in the place of `from`. */
const corrected = (query: string, error: PgError, from: string | null): string => {
  const [text] = error.hint!.replace(/^Write: /, '').split(/ or (?=COUNT|transfers)/)
  if (from === null) return text
  if (from === '') return `${query} ${text}`
  const at = nearestPlace(query, from, error.position!)
  return query.slice(0, at) + text + query.slice(at + from.length)
}

for (const { is, query: marked, code, from, says } of REFUSALS)
  t.test(`${is}: ${marked}`, async t => {
    const query = marked.replace('¦', '')
    const error = refused(query, EXTRA)
    t.equal(error.code, code, error.message)
    t.equal(error.position, marked.indexOf('¦'), `points at "${query.slice(error.position)}"`)
    t.match(error.message, /^(?![A-Z][a-z])/, 'the message starts in lower case')
    if (says) t.match(`${error.message}\n${error.detail}\n${error.hint}`, says)
    if (from === undefined) return
    t.match(error.hint, /^Write: /)
    const better = corrected(query, error, from)
    t.doesNotThrow(() => check(parsePredict(better, { statement: true }).syntax, EXTRA, { paramTypes: [] }), better)
  })

t.test('a tail inside a query is refused with the place it belongs to', async t => {
  t.throws(() => parsePredict(`${Y} ORDER BY probability LIMIT 3`, { statement: false }), {
    code: '42601',
    position: Y.length + 1,
    hint: /AS p ORDER BY probability LIMIT 3/,
  })
})
