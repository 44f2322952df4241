-- Offers of the ownership of an organization, from its owner to a member.

CREATE TYPE ownership_offer_status AS ENUM ('PENDING', 'ACCEPTED', 'DECLINED', 'CANCELLED', 'EXPIRED');

CREATE TABLE ownership_offers (
    id              uuid                   PRIMARY KEY,
    organization_id uuid                   NOT NULL
        CONSTRAINT ownership_offers_organization_fkey REFERENCES organizations ON DELETE CASCADE,
    from_id         uuid                   NOT NULL CONSTRAINT ownership_offers_from_fkey REFERENCES users ON DELETE CASCADE,
    to_id           uuid                   NOT NULL CONSTRAINT ownership_offers_to_fkey REFERENCES users ON DELETE CASCADE,
    status          ownership_offer_status NOT NULL DEFAULT 'PENDING',
    created_at      timestamptz            NOT NULL,
    expires_at      timestamptz            NOT NULL,
    resolved_at     timestamptz,
    CONSTRAINT ownership_offers_to_another CHECK (from_id <> to_id),
    CONSTRAINT ownership_offers_resolved_unless_pending CHECK ((status = 'PENDING') = (resolved_at IS NULL))
);
CREATE UNIQUE INDEX ownership_offers_one_pending ON ownership_offers (organization_id) WHERE status = 'PENDING';
CREATE INDEX ownership_offers_organization_id ON ownership_offers (organization_id);
CREATE INDEX ownership_offers_from_id ON ownership_offers (from_id);
CREATE INDEX ownership_offers_to_id ON ownership_offers (to_id, created_at, id);
CREATE INDEX ownership_offers_expires_at ON ownership_offers (expires_at) WHERE status = 'PENDING';
COMMENT ON TABLE ownership_offers IS 'Offers of the ownership of an organization. An overdue PENDING one counts as EXPIRED from `expires_at` on, whether or not the job has marked it.';
COMMENT ON COLUMN ownership_offers.id IS 'UUIDv7, shown as off_….';
COMMENT ON COLUMN ownership_offers.organization_id IS 'The organization.';
COMMENT ON COLUMN ownership_offers.from_id IS 'The owner whose ownership is offered.';
COMMENT ON COLUMN ownership_offers.to_id IS 'The member to whom it is offered.';
COMMENT ON COLUMN ownership_offers.status IS 'Where it stands, but for the passing of time.';
COMMENT ON COLUMN ownership_offers.created_at IS 'When it was made.';
COMMENT ON COLUMN ownership_offers.expires_at IS 'When it lapses.';
COMMENT ON COLUMN ownership_offers.resolved_at IS 'When it was accepted, declined, cancelled, or lapsed. Null while pending.';
