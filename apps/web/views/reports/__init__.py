"""What is handed in: the register, component files, the model inventory, evidence packs and the
board's page."""
