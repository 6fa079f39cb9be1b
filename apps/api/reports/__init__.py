"""Reports: register of information, component files, model inventory, evidence packs, board
summary."""
