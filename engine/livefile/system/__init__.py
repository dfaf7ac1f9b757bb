"""What Livefile itself keeps in tables of the file: one module for each of them."""
