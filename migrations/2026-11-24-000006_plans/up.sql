-- Plans that are paid for. A workspace without a row has the plan FREE.

CREATE TYPE plan_tier AS ENUM ('FREE', 'SOLO', 'TEAM');
CREATE TYPE billing_interval AS ENUM ('MONTH', 'YEAR');

CREATE TABLE plans (
    workspace_id    uuid             PRIMARY KEY,
    organization_id uuid             CONSTRAINT plans_organization_fkey REFERENCES organizations ON DELETE CASCADE,
    user_id         uuid             CONSTRAINT plans_user_fkey REFERENCES users ON DELETE CASCADE,
    tier            plan_tier        NOT NULL,
    paid_every      billing_interval NOT NULL DEFAULT 'MONTH',
    seats           integer          CONSTRAINT plans_seats_positive CHECK (seats > 0),
    anchor          timestamptz      NOT NULL,
    cancels_at      timestamptz,
    CONSTRAINT plans_one_workspace
        CHECK (num_nonnulls(organization_id, user_id) = 1 AND workspace_id = coalesce(organization_id, user_id)),
    CONSTRAINT plans_tier_of_workspace CHECK (tier = CASE WHEN user_id IS NULL THEN 'TEAM' ELSE 'SOLO' END::plan_tier),
    CONSTRAINT plans_seats_of_team CHECK (seats IS NULL OR tier = 'TEAM')
);
CREATE INDEX plans_organization_id ON plans (organization_id) WHERE organization_id IS NOT NULL;
CREATE INDEX plans_user_id ON plans (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX plans_cancels_at ON plans (cancels_at) WHERE cancels_at IS NOT NULL;
COMMENT ON TABLE plans IS 'Plans that are paid for. A workspace without a row has the plan FREE.';
COMMENT ON COLUMN plans.workspace_id IS 'The workspace: that of the next two that is not null.';
COMMENT ON COLUMN plans.organization_id IS 'The organization whose plan it is.';
COMMENT ON COLUMN plans.user_id IS 'The user whose personal workspace has the plan.';
COMMENT ON COLUMN plans.tier IS 'What is paid for: SOLO for personal workspaces, TEAM for organizations.';
COMMENT ON COLUMN plans.paid_every IS 'How often is paid.';
COMMENT ON COLUMN plans.seats IS 'How many seats are bought. Null: as many as there are members.';
COMMENT ON COLUMN plans.anchor IS 'When the first period of these terms began; later ones begin whole months or years after it.';
COMMENT ON COLUMN plans.cancels_at IS 'When the plan ends. Null unless it is cancelled.';
