"""Evidence packs: their content, the zip archive, and the actions on them."""
