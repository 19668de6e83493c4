"""The reproduction of semantic grasping: raters, labels that spread, eleven rows."""
