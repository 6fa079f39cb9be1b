"""Pages, one module per family: a view permits, parses, makes a call and answers."""
