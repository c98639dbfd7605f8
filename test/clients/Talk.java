// What pgjdbc sees through a proxy, as one JSON object on stdout: java -cp postgresql.jar Talk.java HOST PORT DATABASE USER_ID...
// The members are those of talk.py, and what a statement that is cancelled ends with.

import java.io.StringReader;
import java.io.StringWriter;
import java.sql.Array;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.postgresql.PGConnection;
import org.postgresql.util.PSQLException;

class Talk {
  /** Or an ordinary query up to the same condition, which the server alone can answer, and which is not cancelled. */
  static final String QUESTION = System.getenv("QUESTION");
  static final String PREDICT = QUESTION != null ? QUESTION : "PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR users.user_id";
  static final String THREE = PREDICT + " IN (1, 2, 3)";
  static final String JOINED =
      "SELECT u.email, p.probability FROM (" + THREE + ") AS p"
          + " JOIN users u USING (user_id) WHERE p.probability >= 0 ORDER BY u.user_id";
  static final String WRONG = QUESTION != null ? "SELECT ordrs" : "PREDICT COUNT(ordrs.*, 0, 30, days) = 0 FOR users.user_id = 1";
  static final String ROWS = "SELECT user_id, country FROM users WHERE user_id <= 5 ORDER BY 1";

  public static void main(String[] args) throws Exception {
    String url = "jdbc:postgresql://" + args[0] + ":" + args[1] + "/" + args[2] + "?user=postgres";
    Long[] ids = Arrays.stream(args).skip(3).map(Long::valueOf).toArray(Long[]::new);
    Map<String, Object> seen = new LinkedHashMap<>();
    try (Connection connection = DriverManager.getConnection(url)) {
      try (PreparedStatement plain = connection.prepareStatement("SELECT 1, ?")) {
        plain.setString(1, "it's");
        ResultSet row = plain.executeQuery();
        row.next();
        seen.put("plain", List.of(row.getInt(1), row.getString(2)));
      }
      try (Statement statement = connection.createStatement()) {
        ResultSet rows = statement.executeQuery(THREE);
        List<String> columns = new ArrayList<>();
        for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) columns.add(rows.getMetaData().getColumnName(i));
        seen.put("columns", columns);
        seen.put("predict", figures(rows));
        seen.put("joined", pairs(statement.executeQuery(JOINED)));
      }
      // prepared by name from the fifth time on, and in binary then
      try (PreparedStatement some = connection.prepareStatement(PREDICT + " = ANY (?)")) {
        Array array = connection.createArrayOf("bigint", ids);
        for (int i = 0; i < 8; i++) {
          some.setArray(1, array);
          seen.put("parameter", figures(some.executeQuery()));
        }
      }
      try (PreparedStatement one = connection.prepareStatement(PREDICT + " = ?")) {
        for (int i = 0; i < 8; i++) {
          one.setLong(1, ids[0]);
          seen.put("one", figures(one.executeQuery()));
        }
      }
      connection.setAutoCommit(false);
      try (Statement paged = connection.createStatement()) {
        paged.setFetchSize(2);
        seen.put("cursor", figures(paged.executeQuery(THREE)));
      }
      try (Statement limited = connection.createStatement()) {
        limited.setMaxRows(2);
        seen.put("limited", figures(limited.executeQuery(THREE)).size());
      }
      connection.commit();
      connection.setReadOnly(true);
      try (Statement statement = connection.createStatement()) {
        seen.put("readOnly", figures(statement.executeQuery(THREE)));
      }
      connection.commit();
      connection.setReadOnly(false);
      connection.setAutoCommit(true);
      copy(connection, seen);
      try (Statement statement = connection.createStatement()) {
        statement.executeQuery(WRONG);
      } catch (PSQLException error) {
        seen.put("error", List.of(error.getSQLState(), error.getServerErrorMessage().getPosition()));
      }
      if (QUESTION == null) seen.put("cancelled", List.of(
          cancelled(connection, "SELECT pg_sleep(60)"),
          cancelled(connection, "SELECT pg_sleep(60) FROM (" + THREE + ") p"),
          timedOut(connection, "SELECT pg_sleep(60) FROM (" + THREE + ") p")));
      try (Statement statement = connection.createStatement()) {
        ResultSet row = statement.executeQuery("SELECT 1");
        row.next();
        seen.put("after", row.getInt(1));
      }
    }
    try (Connection connection =
            DriverManager.getConnection(url + "&prepareThreshold=1&binaryTransferEnable=int8,float8,timestamptz,bool");
        PreparedStatement binary = connection.prepareStatement(THREE)) {
      for (int i = 0; i < 3; i++) seen.put("binary", figures(binary.executeQuery()));
    }
    try (Connection connection = DriverManager.getConnection(url + "&preferQueryMode=simple");
        PreparedStatement simple = connection.prepareStatement(PREDICT + " = ANY (?)")) {
      simple.setArray(1, connection.createArrayOf("bigint", ids));
      seen.put("simple", figures(simple.executeQuery()));
    }
    System.out.println(json(seen));
  }

  static void copy(Connection connection, Map<String, Object> seen) throws Exception {
    var copies = connection.unwrap(PGConnection.class).getCopyAPI();
    StringWriter out = new StringWriter();
    copies.copyOut("COPY (" + ROWS + ") TO STDOUT", out);
    try (Statement statement = connection.createStatement()) {
      statement.execute("CREATE TEMP TABLE copied (user_id bigint, country text)");
      copies.copyIn("COPY copied FROM STDIN", new StringReader(out.toString()));
      ResultSet row = statement.executeQuery("SELECT count(*) FROM copied");
      row.next();
      seen.put("copied", row.getInt(1));
    }
    StringWriter predicted = new StringWriter();
    copies.copyOut("COPY (" + THREE + ") TO STDOUT", predicted);
    seen.put("copiedPredict", predicted.toString().lines().map(line -> {
      String[] fields = line.split("\t");
      return (Object) List.of(Long.valueOf(fields[0]), Double.valueOf(fields[3]));
    }).collect(Collectors.toList()));
  }

  static String cancelled(Connection connection, String sql) throws Exception {
    try (Statement statement = connection.createStatement()) {
      Thread canceller = new Thread(() -> {
        try {
          Thread.sleep(1000);
          statement.cancel();
        } catch (Exception error) {
          throw new IllegalStateException(error);
        }
      });
      canceller.start();
      try {
        statement.executeQuery(sql);
        return "was not cancelled";
      } catch (SQLException error) {
        return error.getSQLState();
      } finally {
        canceller.join();
      }
    }
  }

  static String timedOut(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.setQueryTimeout(1);
      statement.executeQuery(sql);
      return "was not cancelled";
    } catch (SQLException error) {
      return error.getSQLState();
    }
  }

  static List<Object> figures(ResultSet rows) throws SQLException {
    List<Object> out = new ArrayList<>();
    while (rows.next()) out.add(List.of(rows.getLong(1), rows.getDouble(rows.getMetaData().getColumnCount())));
    return out;
  }

  static List<Object> pairs(ResultSet rows) throws SQLException {
    List<Object> out = new ArrayList<>();
    while (rows.next()) out.add(List.of(rows.getString(1), rows.getDouble(2)));
    return out;
  }

  /** Maps, lists, numbers, and text without quotes or escapes in it. */
  static String json(Object value) {
    if (value instanceof Map<?, ?> map)
      return map.entrySet().stream().map(e -> json(e.getKey()) + ":" + json(e.getValue())).collect(Collectors.joining(",", "{", "}"));
    if (value instanceof List<?> list) return list.stream().map(Talk::json).collect(Collectors.joining(",", "[", "]"));
    return value instanceof Number ? value.toString() : "\"" + value + "\"";
  }
}
