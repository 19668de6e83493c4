"""The reproduction of semantic grasping: raters, label propagation, eleven rows."""
