-- The ticket that took in everything of another one. The column goes to the end of the row: that is instant.
ALTER TABLE tickets ADD COLUMN merged_into INT NULL;
