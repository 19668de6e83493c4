"""Wrong inputs by the thousand: every verb is given mutated files and options in one process, and
must refuse them in one line, soon, and without writing outside of what was named."""
