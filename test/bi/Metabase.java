// Asks as Metabase does, through the driver that it uses: java -cp postgresql.jar Metabase.java PORT. The catalog through
// DatabaseMetaData, columns from statements that are described and not run, wrapped questions in read-only transactions, in pages.

import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.Statement;

class Metabase {
  static final String SPEND =
      "SELECT * FROM predict_rows($$ PREDICT SUM(orders.total, 0, 30, days) AS spend"
          + " FOR EACH users.user_id WITH (statistic = mean) $$)";

  public static void main(String[] args) throws Exception {
    String url = "jdbc:postgresql://127.0.0.1:" + args[0] + "/shop?user=shop&ApplicationName=Metabase&sslmode=disable";
    try (Connection connection = DriverManager.getConnection(url)) {
      DatabaseMetaData meta = connection.getMetaData();
      for (ResultSet rows : new ResultSet[] {
            meta.getSchemas(),
            meta.getTables(null, "public", "%", new String[] {"TABLE", "VIEW", "PARTITIONED TABLE", "MATERIALIZED VIEW"}),
            meta.getColumns(null, "public", "churn", "%"),
            meta.getPrimaryKeys(null, "public", "users"),
            meta.getImportedKeys(null, "public", "orders"),
          })
        drain(rows);
      try (Statement probe = connection.createStatement()) {
        drain(probe.executeQuery("SELECT TRUE AS \"_\" FROM \"public\".\"churn\" WHERE 1 <> 1 LIMIT 0"));
      }
      // columns of a question, without its rows
      try (PreparedStatement question = connection.prepareStatement(SPEND)) {
        question.getMetaData();
      }
      connection.setReadOnly(true);
      connection.setAutoCommit(false);
      connection.setTransactionIsolation(Connection.TRANSACTION_READ_UNCOMMITTED);
      ask(connection, "SELECT \"source\".\"user_id\" AS \"user_id\", \"source\".\"spend\" AS \"spend\" FROM (" + SPEND + ") AS \"source\" LIMIT 2000");
      ask(connection, "SELECT * FROM (" + SPEND + ") AS \"source\" LIMIT 1");
      ask(connection, "SELECT * FROM (" + SPEND + ") AS \"source\" WHERE 1 = 0");
      ask(connection, "SELECT * FROM \"public\".\"churn\" LIMIT 1");
      ask(
          connection,
          "SELECT \"public\".\"churn\".\"country\" AS \"country\", COUNT(*) AS \"count\" FROM \"public\".\"churn\""
              + " WHERE \"public\".\"churn\".\"churn_probability\" > ? GROUP BY \"public\".\"churn\".\"country\""
              + " ORDER BY \"public\".\"churn\".\"country\" ASC",
          0.5);
      for (int i = 0; i < 6; i++)
        ask(
            connection,
            "SELECT \"source\".\"user_id\" AS \"user_id\", \"source\".\"churn_probability\" AS \"churn_probability\""
                + " FROM (SELECT * FROM \"public\".\"churn\") AS \"source\" WHERE \"source\".\"user_id\" <= ?"
                + " ORDER BY \"source\".\"user_id\" ASC LIMIT 2000",
            7L);
      ask(connection, "SELECT \"country\", COUNT(*) AS \"count\" FROM \"public\".\"users\" GROUP BY \"country\" ORDER BY \"country\"");
    }
  }

  static void ask(Connection connection, String sql, Object... values) throws Exception {
    try (PreparedStatement statement = connection.prepareStatement(sql, ResultSet.TYPE_FORWARD_ONLY, ResultSet.CONCUR_READ_ONLY)) {
      statement.setMaxRows(2000);
      statement.setFetchSize(50);
      for (int i = 0; i < values.length; i++) statement.setObject(i + 1, values[i]);
      drain(statement.executeQuery());
    }
    connection.commit();
  }

  static void drain(ResultSet rows) throws Exception {
    while (rows.next()) rows.getObject(1);
    rows.close();
  }
}
