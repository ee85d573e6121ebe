"""The steps of a result, worked out for its reader; nothing here decides anything."""
