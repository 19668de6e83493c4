"""The paper of `poke`: its figures, its reproduction and its demo."""
