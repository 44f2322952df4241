-- What came from another system, row by row, so that an import that runs again takes what is new and leaves alone the rest.

CREATE TABLE imports (
    source      text        COLLATE "C" NOT NULL,
    kind        text        COLLATE "C" NOT NULL
        CONSTRAINT imports_kind CHECK (kind IN ('USER', 'ORGANIZATION', 'MEMBERSHIP', 'INVITATION')),
    source_id   text        COLLATE "C" NOT NULL,
    row_id      uuid        NOT NULL,
    made_at     timestamptz,
    imported_at timestamptz NOT NULL,
    PRIMARY KEY (source, kind, source_id)
);
COMMENT ON TABLE imports IS 'Rows that came from another system. They have no foreign keys to what they became: what was deleted here since is not brought back by the next import.';
COMMENT ON COLUMN imports.source IS 'The system, such as cvat:https://cvat.example.org.';
COMMENT ON COLUMN imports.kind IS 'What it became here: USER, ORGANIZATION, MEMBERSHIP or INVITATION.';
COMMENT ON COLUMN imports.source_id IS 'The number that the row has there. For an INVITATION: that of the membership that it is to become.';
COMMENT ON COLUMN imports.row_id IS 'ID of the row here, which may be gone.';
COMMENT ON COLUMN imports.made_at IS 'When the row was made there, as it said then: tells another system that answers by the same name. Null if it did not say.';
COMMENT ON COLUMN imports.imported_at IS 'When it was taken over.';
