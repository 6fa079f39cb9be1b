"""Evidence packs: what goes in, how the zip is made, and the actions around it."""
