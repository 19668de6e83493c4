"""One folder a paper: what to collect, train and measure to have its tables again."""
