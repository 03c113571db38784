from sqlalchemy import text


def find(cursor, session, connection, name, table):
    # ruleid: sql-built-from-text
    cursor.execute(f"SELECT * FROM person WHERE name = '{name}'")
    # ruleid: sql-built-from-text
    cursor.execute("SELECT * FROM person WHERE name = '%s'" % name)
    # ruleid: sql-built-from-text
    cursor.executemany("DELETE FROM " + table, [])
    # ruleid: sql-built-from-text
    session.scalars(text(f"SELECT id FROM person WHERE name = '{name}'"))
    # ruleid: sql-built-from-text
    connection.exec_driver_sql("SELECT {}".format(name))
    query = f"SELECT * FROM {table}"
    # ruleid: sql-built-from-text
    cursor.execute(query)
    # ok: sql-built-from-text
    cursor.execute("SELECT * FROM person WHERE name = %s", (name,))
    # ok: sql-built-from-text
    session.execute(text("SELECT id FROM person WHERE name = :name"), {"name": name})
    # ok: sql-built-from-text
    print(f"found {name}")
