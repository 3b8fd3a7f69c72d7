"""What is wrong with the window's data, column by column and in its rows: each fault with its value and threshold."""
