"""Two tables with three indexes, for tests that need some."""

from livefile import Id, Table, index


class Player(Table, name="players"):
    name: str
    team: str | None = None
    score: int = 0
    tags: list[str] = []  # noqa: RUF012  # Pydantic copies it.
    by_team = index("team")
    by_team_score = index("team", "score")


class Game(Table, name="games"):
    winner: Id[Player]
    points: float
    by_winner_points = index("winner", "points")
