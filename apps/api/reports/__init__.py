"""What is handed in: the register of information, component files, model inventory, packs, the
board's figures."""
