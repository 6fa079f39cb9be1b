"""Reports: the DORA register of information, component files, the model inventory, evidence packs
and the board summary."""
