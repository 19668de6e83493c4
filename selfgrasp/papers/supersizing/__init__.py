"""Pinto & Gupta 2016, whole: what `selfgrasp reproduce supersizing` does, in the order in which it
does it."""
