-- What takes an edit back is kept as JSON: the ranges that were replaced, and nothing where that holds a secret.

PRAGMA user_version = 5;

-- The column is still called `undo`. Whole texts of earlier releases stay undoable; opening looks through them for secrets.
UPDATE edits SET undo = json_object('text', undo);

-- What was deleted before may still lie in free pages, so the file is written anew once.
INSERT INTO meta (key, value) SELECT 'erasure_pending', 'texts' WHERE EXISTS (SELECT 1 FROM events)
  ON CONFLICT (key) DO NOTHING;
