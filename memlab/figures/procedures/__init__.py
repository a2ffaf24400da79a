"""One module per procedure, with a function `draw(figure, entry)` for its run file's entry."""
