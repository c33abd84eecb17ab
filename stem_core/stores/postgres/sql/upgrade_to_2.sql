ALTER TABLE jobs ADD COLUMN shared boolean NOT NULL DEFAULT false;
UPDATE version SET number = 2;
