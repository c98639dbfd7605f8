// The schema of the language's acceptance queries, with rows about two hundred of which anything can be learnt.

const n = (...of: string[]) => `((abs(hashtext(${of.join(` || '-' || `)})) % 10007) / 10007.0)`
const dated = (hours: number) => `'2024-10-01'::timestamptz + n * interval '${hours} hours'`
/** Statements that make it, in one string. */
export const ACCEPTANCE_SHOP = `
  CREATE TYPE order_status AS ENUM ('pending', 'paid', 'completed', 'returned', 'refunded');
  CREATE TABLE users (user_id int PRIMARY KEY, signup_at timestamptz NOT NULL, closed_at timestamptz, country text, plan text, age int, ltv_score float8,
    is_premium boolean, segment text, email text, interests text[], referrer_id int REFERENCES users);
  CREATE TABLE items (item_id int PRIMARY KEY, listed_at timestamptz NOT NULL, category text, brand text, price numeric, title text);
  CREATE TABLE orders (order_id bigint PRIMARY KEY, user_id int NOT NULL REFERENCES users, item_id int NOT NULL REFERENCES items, ordered_at timestamptz NOT NULL,
    amount numeric, qty int, status order_status, discount numeric, note text, extra jsonb, due date);
  CREATE TABLE reviews (review_id int PRIMARY KEY, user_id int NOT NULL REFERENCES users, item_id int NOT NULL REFERENCES items, created_at timestamptz NOT NULL,
    rating int, verified boolean, body text);
  CREATE TABLE sessions (session_id uuid PRIMARY KEY, user_id int NOT NULL REFERENCES users, started_at timestamptz NOT NULL, device varchar(20), pages int);
  CREATE TABLE notifications (notification_id int PRIMARY KEY, user_id int NOT NULL REFERENCES users, sent_at timestamptz NOT NULL, channel text);
  CREATE TABLE transfers (transfer_id int PRIMARY KEY, from_user int NOT NULL REFERENCES users, to_user int NOT NULL REFERENCES users, at timestamptz NOT NULL);
  CREATE TABLE customers (customer_no text PRIMARY KEY, city text);
  CREATE TABLE invoices (invoice_id int PRIMARY KEY, customer_no text NOT NULL REFERENCES customers, issued timestamp NOT NULL, country text);
  CREATE TABLE invoice_lines (invoice_id int NOT NULL REFERENCES invoices, line_no int NOT NULL, booked timestamp NOT NULL, stockcode text, price numeric, PRIMARY KEY (invoice_id, line_no));
  CREATE TABLE line_events (event_id int PRIMARY KEY, invoice_id int NOT NULL, line_no int NOT NULL, at timestamp NOT NULL, kind text,
    FOREIGN KEY (invoice_id, line_no) REFERENCES invoice_lines);
  CREATE TABLE "Weird Name" ("The Id" int PRIMARY KEY, "select" text, "MixedCase" int);
  INSERT INTO users SELECT i, CASE WHEN i > 110 THEN '2024-11-01' ELSE '2024-01-01' END::timestamptz + i * interval '1 day', NULL, (ARRAY['US', 'CA', 'FR'])[1 + i % 3],
      (ARRAY['free', 'pro', 'trial'])[1 + (${n(`'p'`, 'i')} * 2.2)::int], 20 + (i % 3) * 15 + (${n(`'a'`, 'i')} * 10)::int, ${n(`'l'`, 'i')} * 100, i % 4 = 0,
      (ARRAY['a', 'b', 'c'])[1 + (i % 3 + (${n(`'s'`, 'i')} * 1.3)::int) % 3], CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END || i || '@example.com',
      CASE WHEN i % 17 > 0 THEN ARRAY['all', 'kind ' || i % 3] END, CASE WHEN i > 10 THEN 1 + (i * 7) % 10 END FROM generate_series(0, 130) i;
  INSERT INTO items SELECT i, '2024-01-01', (ARRAY['food', 'toys', 'books'])[1 + i % 3], 'brand ' || i % 8, i * 3, 'title ' || i FROM generate_series(1, 50) i;
  INSERT INTO orders SELECT n, (${n(`'u'`, 'n')} * ${n(`'v'`, 'n')} * 130)::int, 1 + (${n(`'i'`, 'n')} * 49)::int, ${dated(3)}, CASE WHEN n % 40 = 0 THEN 2 ELSE 5 + ${n(`'m'`, 'n')} * 30 END,
      1 + n % 4, (enum_range(NULL::order_status))[1 + (${n(`'t'`, 'n')} * 4.4)::int], CASE WHEN n % 3 = 0 THEN 0.1 END, 'note', '{}', '2024-12-01' FROM generate_series(1, 2200) n;
  INSERT INTO reviews SELECT n, (n * 31) % 130, 1 + (${n(`'ri'`, 'n')} * 49)::int, ${dated(9)}, 1 + (${n(`'rr'`, 'n')} * 4)::int, n % 2 = 0, 'body' FROM generate_series(1, 730) n;
  INSERT INTO sessions SELECT md5(n::text)::uuid, (${n(`'su'`, 'n')} * 130)::int, ${dated(3)}, (ARRAY['ios', 'desktop', 'android'])[1 + (${n(`'d'`, 'n')} * 2.4)::int], n % 12 FROM generate_series(1, 2200) n;
  INSERT INTO notifications SELECT n, (n * 13) % 130, ${dated(2)}, (ARRAY['email', 'push'])[1 + n % 2] FROM generate_series(1, 3300) n;
  INSERT INTO transfers SELECT n, (n * 17) % 60, (n * 29) % 100, ${dated(6)} FROM generate_series(1, 1100) n;
  INSERT INTO customers SELECT 'c' || i, 'city ' || i % 5 FROM generate_series(1, 60) i;
  INSERT INTO invoices SELECT n, 'c' || 1 + (n * 37) % 60, (${dated(8)})::timestamp, (ARRAY['DE', 'FR'])[1 + n % 2] FROM generate_series(1, 600) n;
  INSERT INTO invoice_lines SELECT n, l, (${dated(8)})::timestamp, 'S' || (n * 7 + l) % 12, 5 + (n + l) % 9 FROM generate_series(1, 600) n, generate_series(1, 3) l WHERE (n + l) % 4 > 0;
  INSERT INTO line_events SELECT row_number() OVER (), invoice_id, line_no, booked + interval '2 days', (ARRAY['sent', 'lost'])[1 + invoice_id % 2] FROM invoice_lines WHERE (invoice_id * line_no) % 3 > 0;
  INSERT INTO "Weird Name" SELECT i, 'v' || i % 3, i % 3 * 10 + i % 4 FROM generate_series(1, 200) i;
  ANALYZE`
