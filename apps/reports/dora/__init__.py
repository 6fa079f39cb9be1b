"""The AI slice of the register of information under DORA (Implementing Regulation (EU)
2024/2956)."""
