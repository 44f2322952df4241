-- The ties of events that were written before: those written since then come by the trigger, and nothing is locked meanwhile.

INSERT INTO event_ties (workspace_id, user_id, type, transaction_id, sequence)
    SELECT DISTINCT workspace_id, tied, type, transaction_id, sequence FROM events, unnest(tied_ids) tied
    ON CONFLICT DO NOTHING;
