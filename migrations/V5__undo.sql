-- What takes an edit back is kept as JSON: the ranges that were replaced, and nothing where that holds a secret.

PRAGMA user_version = 5;

-- The column is still called `undo`. Whole texts of earlier releases stay undoable; opening looks through them for secrets.
UPDATE edits SET undo = json_object('text', undo);

-- What these texts left in free pages goes as well: the file is written anew once.
INSERT INTO meta (key, value) SELECT 'erasure_pending', 'texts' WHERE EXISTS (SELECT 1 FROM edits)
  ON CONFLICT (key) DO NOTHING;
