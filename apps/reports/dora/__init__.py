"""DORA register of information (Implementing Regulation (EU) 2024/2956), limited to AI services."""
