"""Tables of reports that several papers show."""
