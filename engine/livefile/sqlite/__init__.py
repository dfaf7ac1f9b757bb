"""The one place that knows SQLite: the file, its tables and every SQL statement."""
