"""The simulated cell: MuJoCo behind the same four drivers as a real one."""
