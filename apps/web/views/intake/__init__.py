"""What is seen in use: what is connected, what it shows, where that is not what is declared, what
nobody knows."""
