import java.sql.DriverManager;

/** Prints the port of the Postgres that the URL leads to. Run from its source: java -cp DRIVER JdbcClient.java URL USER PASSWORD */
public class JdbcClient {
    public static void main(String[] args) throws Exception {
        try (var connection = DriverManager.getConnection(args[0], args[1], args[2]);
                var statement = connection.createStatement();
                var rows = statement.executeQuery("select current_setting('port')")) {
            rows.next();
            System.out.println(rows.getString(1));
        }
    }
}
