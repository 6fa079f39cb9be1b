"""What is handed in: reports as typed rows, and packs of evidence. Reads every floor below, owns
little."""
