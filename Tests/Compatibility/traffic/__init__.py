"""A seeded generator of API traffic: named cases (an option and its outcome), the state they need, and the plan they make."""
