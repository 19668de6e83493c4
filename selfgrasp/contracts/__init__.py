"""What every method owes, as functions that any test suite can run over its own: see `methods`.
`scenes` makes attempts whose truth is known."""
