"""Calendar of one user's retirement dates and deadlines, for the calendar page and as iCalendar."""
