"""Lists: one declaration makes the page, its print-out, its CSV and its workbook."""
