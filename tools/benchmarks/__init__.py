"""How long the product takes to answer, measured on the data present: `manage.py bench`."""
