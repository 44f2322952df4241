-- Idempotency keys: what became of writes that a client may ask for again.

CREATE TABLE idempotency_keys (
    scope_id   uuid        NOT NULL,
    mutation   text        COLLATE "C" NOT NULL,
    key        text        COLLATE "C" NOT NULL
        CONSTRAINT idempotency_keys_key_length CHECK (char_length(key) BETWEEN 1 AND 128),
    input_hash bytea       NOT NULL,
    result     jsonb,
    created_at timestamptz NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (scope_id, mutation, key)
);
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);
COMMENT ON TABLE idempotency_keys IS 'What writes with an idempotency key came to, for 24 hours. A row is written by the transaction of its write, so a refused write leaves none.';
COMMENT ON COLUMN idempotency_keys.scope_id IS 'Who asked: the user, or, when nobody was signed in, an ID made of the hash of the input. No foreign key: rows do not live long.';
COMMENT ON COLUMN idempotency_keys.mutation IS 'Name of the mutation in the schema.';
COMMENT ON COLUMN idempotency_keys.key IS 'The key, as the client chose it.';
COMMENT ON COLUMN idempotency_keys.input_hash IS 'SHA-256 of the input, by which another one is told. The input itself is not kept.';
COMMENT ON COLUMN idempotency_keys.result IS 'The IDs that the answer is made of. Null only within the transaction of the write.';
COMMENT ON COLUMN idempotency_keys.created_at IS 'When the write was done.';
