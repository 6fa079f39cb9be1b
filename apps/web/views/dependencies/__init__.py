"""What applications call: declared by picking from the catalogue, changed, confirmed, replaced,
ended, reopened."""
