"""What runaway functions write, and what they read without end."""

from livefile import Table, index


class Mark(Table, name="marks"):
    """That a mutation had begun: there only if it ended well."""

    name: str

    by_name = index("name")


class Row(Table, name="rows"):
    """Something to read."""

    number: float

    by_number = index("number")
