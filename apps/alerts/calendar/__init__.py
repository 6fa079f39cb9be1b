"""The days that matter to one person, for the calendar page and as iCalendar."""
