// What pgx sees through a proxy, as one JSON object on stdout: talk-pgx URL USER_ID... The members are those of talk.py, and what a
// statement that is cancelled ends with.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// an ordinary query up to the same condition, which the server alone can answer, and which is not cancelled
var question = os.Getenv("QUESTION")

func asked() string {
	if question != "" {
		return question
	}
	return "PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR users.user_id"
}

var (
	predict = asked()
	three   = predict + " IN (1, 2, 3)"
	joined  = "SELECT u.email, p.probability FROM (" + three + ") AS p" +
		" JOIN users u USING (user_id) WHERE p.probability >= 0 ORDER BY u.user_id"
	some = "SELECT user_id, country FROM users WHERE user_id <= 5 ORDER BY 1"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// first and last column of each row
func figures(rows pgx.Rows, err error) [][]any {
	check(err)
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) ([]any, error) {
		values, err := row.Values()
		return []any{values[0], values[len(values)-1]}, err
	})
	check(err)
	return out
}

func state(err error) string {
	var failure *pgconn.PgError
	if errors.As(err, &failure) {
		return failure.Code
	}
	return fmt.Sprint(err)
}

func cancelled(ctx context.Context, connection *pgx.Conn, sql string) string {
	done := make(chan error)
	go func() {
		time.Sleep(time.Second)
		done <- connection.PgConn().CancelRequest(ctx)
	}()
	_, err := connection.Exec(ctx, sql)
	check(<-done)
	return state(err)
}

func main() {
	ctx := context.Background()
	ids := []int64{}
	for _, text := range os.Args[2:] {
		id, err := strconv.ParseInt(text, 10, 64)
		check(err)
		ids = append(ids, id)
	}
	connection, err := pgx.Connect(ctx, os.Args[1])
	check(err)
	defer connection.Close(ctx)
	seen := map[string]any{}

	var one int
	var text string
	check(connection.QueryRow(ctx, "SELECT 1, $1::text", "it's").Scan(&one, &text))
	seen["plain"] = []any{one, text}
	rows, err := connection.Query(ctx, three)
	check(err)
	columns := []string{}
	for _, field := range rows.FieldDescriptions() {
		columns = append(columns, field.Name)
	}
	seen["columns"] = columns
	seen["predict"] = figures(rows, nil)
	// a prepared statement of the driver's own, in binary, from the first time on
	for i := 0; i < 3; i++ {
		seen["parameter"] = figures(connection.Query(ctx, predict+" = ANY ($1)", ids))
	}
	seen["binary"] = figures(connection.Query(ctx, three, pgx.QueryResultFormats{1, 1, 1, 1}))
	seen["one"] = figures(connection.Query(ctx, predict+" = $1", ids[0]))
	seen["joined"] = figures(connection.Query(ctx, joined))
	// the driver's other ways to say the same
	ways := map[string]any{}
	for name, mode := range map[string]pgx.QueryExecMode{
		"describe": pgx.QueryExecModeDescribeExec, "cached": pgx.QueryExecModeCacheDescribe,
		"exec": pgx.QueryExecModeExec, "simple": pgx.QueryExecModeSimpleProtocol,
	} {
		ways[name] = figures(connection.Query(ctx, predict+" = ANY ($1)", mode, ids))
	}
	seen["ways"] = ways

	batch := &pgx.Batch{}
	batch.Queue("SELECT 1")
	batch.Queue(predict+" = ANY ($1)", ids)
	batch.Queue("SELECT 2")
	results := connection.SendBatch(ctx, batch)
	check(results.QueryRow().Scan(&one))
	predicted := figures(results.Query())
	check(results.Close())
	seen["pipeline"] = []any{one, predicted}

	transaction, err := connection.Begin(ctx)
	check(err)
	_, err = transaction.Exec(ctx, "DECLARE paged CURSOR FOR "+three)
	check(err)
	seen["cursor"] = append(figures(transaction.Query(ctx, "FETCH 2 FROM paged")), figures(transaction.Query(ctx, "FETCH 2 FROM paged"))...)
	check(transaction.Commit(ctx))

	var out bytes.Buffer
	_, err = connection.PgConn().CopyTo(ctx, &out, "COPY ("+some+") TO STDOUT")
	check(err)
	_, err = connection.Exec(ctx, "CREATE TEMP TABLE copied (user_id bigint, country text)")
	check(err)
	_, err = connection.PgConn().CopyFrom(ctx, &out, "COPY copied FROM STDIN")
	check(err)
	// and in binary, as the driver has it
	_, err = connection.CopyFrom(ctx, pgx.Identifier{"copied"}, []string{"user_id", "country"}, pgx.CopyFromRows([][]any{{int64(7), "XX"}}))
	check(err)
	check(connection.QueryRow(ctx, "SELECT count(*) FROM copied WHERE country <> 'XX' OR user_id <> 7").Scan(&one))
	seen["copied"] = one

	wrong := "PREDICT COUNT(ordrs.*, 0, 30, days) = 0 FOR users.user_id = 1"
	if question != "" {
		wrong = "SELECT ordrs"
	}
	_, err = connection.Exec(ctx, wrong)
	var failure *pgconn.PgError
	if errors.As(err, &failure) {
		seen["error"] = []any{failure.Code, failure.Position}
	}
	if question == "" {
		seen["cancelled"] = []string{
			cancelled(ctx, connection, "SELECT pg_sleep(60)"),
			cancelled(ctx, connection, "SELECT pg_sleep(60) FROM ("+three+") p"),
		}
	}
	check(connection.QueryRow(ctx, "SELECT 1").Scan(&one))
	seen["after"] = one
	check(json.NewEncoder(os.Stdout).Encode(seen))
}
