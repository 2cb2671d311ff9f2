// Alarms and what they forbid.
