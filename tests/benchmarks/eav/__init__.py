"""The slow arms: forms as entity, attribute and value, one row each, as a team would write them first."""
