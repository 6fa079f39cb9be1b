"""Views of the pages, one module per family: a view checks permission, parses, makes one call and
answers."""
