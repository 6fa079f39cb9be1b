"""Content of a digest, before its layout: entries become a headline and sections. No queries and no
clock."""
