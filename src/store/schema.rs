//! The tables as diesel sees them. Written from a migrated database by `UPDATE=1 cargo test schema_rs`; a test fails while
//! it is stale.
#![allow(missing_docs, reason = "tables and columns are documented in the database, by COMMENT ON")]

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::sql_types::CloudProvider;

    cloud_storages (id) {
        id -> Uuid,
        workspace_id -> Uuid,
        organization_id -> Nullable<Uuid>,
        user_id -> Nullable<Uuid>,
        owner_id -> Uuid,
        display_name -> Text,
        provider -> CloudProvider,
        resource -> Text,
        description -> Nullable<Text>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::sql_types::EmailTokenPurpose;

    email_tokens (token_hash) {
        token_hash -> Bytea,
        user_id -> Nullable<Uuid>,
        purpose -> EmailTokenPurpose,
        email -> Text,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        email_written -> Nullable<Text>,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    event_epochs (id) {
        id -> Int8,
        first_transaction -> Int8,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    event_log (singleton) {
        singleton -> Bool,
        base -> Int8,
        pruned_transaction -> Int8,
        pruned_sequence -> Int8,
        origin -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    event_ties (workspace_id, user_id, kind, transaction_id, sequence) {
        workspace_id -> Uuid,
        user_id -> Uuid,
        #[sql_name = "type"]
        kind -> Text,
        transaction_id -> Int8,
        sequence -> Int8,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    events (transaction_id, sequence) {
        transaction_id -> Int8,
        sequence -> Int8,
        workspace_id -> Uuid,
        #[sql_name = "type"]
        kind -> Text,
        at -> Timestamptz,
        actor_id -> Nullable<Uuid>,
        subject_id -> Text,
        person_id -> Nullable<Uuid>,
        email -> Nullable<Text>,
        changes -> Jsonb,
        tied_ids -> Array<Uuid>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    external_identities (issuer, subject) {
        issuer -> Text,
        subject -> Text,
        user_id -> Nullable<Uuid>,
        preferred_username -> Nullable<Text>,
        claimed_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    former_slugs (slug) {
        slug -> Text,
        organization_id -> Uuid,
        held_until -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    idempotency_keys (scope_id, mutation, key) {
        scope_id -> Uuid,
        mutation -> Text,
        key -> Text,
        input_hash -> Bytea,
        result -> Nullable<Jsonb>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    imports (source, kind, source_id) {
        source -> Text,
        kind -> Text,
        source_id -> Text,
        row_id -> Uuid,
        made_at -> Nullable<Timestamptz>,
        imported_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    installation (singleton) {
        singleton -> Bool,
        demo -> Bool,
        compatible_since -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::sql_types::{DeliveryState, InvitationStatus, MemberRole};

    invitations (id) {
        id -> Uuid,
        organization_id -> Uuid,
        email -> Text,
        role -> MemberRole,
        status -> InvitationStatus,
        inviter_id -> Nullable<Uuid>,
        message -> Nullable<Text>,
        token_hash -> Nullable<Bytea>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        resolved_at -> Nullable<Timestamptz>,
        sent_requested_at -> Timestamptz,
        delivery -> DeliveryState,
        send_count -> Int4,
        last_sent_at -> Nullable<Timestamptz>,
        failure -> Nullable<Text>,
        email_key -> Nullable<Text>,
        email_written -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::sql_types::{JobStage, JobState};

    jobs (id) {
        id -> Uuid,
        workspace_id -> Uuid,
        organization_id -> Nullable<Uuid>,
        user_id -> Nullable<Uuid>,
        task_id -> Uuid,
        assignee_id -> Nullable<Uuid>,
        stage -> JobStage,
        state -> JobState,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    mail_counts (subject, day) {
        subject -> Bytea,
        day -> Date,
        count -> Int4,
        last_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::sql_types::DeliveryState;

    mails (id) {
        id -> Uuid,
        template -> Text,
        recipient -> Text,
        variables -> Jsonb,
        sealed_link -> Nullable<Bytea>,
        invitation_id -> Nullable<Uuid>,
        organization_id -> Nullable<Uuid>,
        sender_id -> Nullable<Uuid>,
        is_resend -> Bool,
        state -> DeliveryState,
        attempts -> Int4,
        next_attempt_at -> Timestamptz,
        failure -> Nullable<Text>,
        created_at -> Timestamptz,
        sent_at -> Nullable<Timestamptz>,
        claimed_until -> Nullable<Timestamptz>,
        key_fingerprint -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::sql_types::MemberRole;

    memberships (id) {
        id -> Uuid,
        organization_id -> Uuid,
        user_id -> Uuid,
        username -> Text,
        role -> MemberRole,
        joined_at -> Timestamptz,
        last_active_on -> Nullable<Date>,
        invited_by -> Nullable<Uuid>,
        shown_name -> Text,
        user_id_if_owner -> Nullable<Uuid>,
        name_key -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::sql_types::OrganizationStatus;

    organizations (id) {
        id -> Uuid,
        slug -> Text,
        name -> Nullable<Text>,
        sort_name -> Text,
        description -> Nullable<Text>,
        contact_email -> Nullable<Text>,
        contact_phone -> Nullable<Text>,
        contact_location -> Nullable<Text>,
        status -> OrganizationStatus,
        deletion_scheduled_for -> Nullable<Timestamptz>,
        owner_id -> Uuid,
        member_count -> Int4,
        version -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        name_key -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::sql_types::OwnershipOfferStatus;

    ownership_offers (id) {
        id -> Uuid,
        organization_id -> Uuid,
        from_id -> Uuid,
        to_id -> Uuid,
        status -> OwnershipOfferStatus,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        resolved_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::sql_types::{BillingInterval, PlanTier};

    plans (workspace_id) {
        workspace_id -> Uuid,
        organization_id -> Nullable<Uuid>,
        user_id -> Nullable<Uuid>,
        tier -> PlanTier,
        paid_every -> BillingInterval,
        seats -> Nullable<Int4>,
        anchor -> Timestamptz,
        cancels_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    projects (id) {
        id -> Uuid,
        workspace_id -> Uuid,
        organization_id -> Nullable<Uuid>,
        user_id -> Nullable<Uuid>,
        owner_id -> Uuid,
        assignee_id -> Nullable<Uuid>,
        name -> Text,
        description -> Nullable<Text>,
        source_storage_id -> Nullable<Uuid>,
        target_storage_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        name_key -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    sessions (id) {
        id -> Uuid,
        user_id -> Uuid,
        generation -> Int4,
        rotated_at -> Timestamptz,
        expires_at -> Timestamptz,
        began_at -> Timestamptz,
        first_uses -> Array<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    sign_in_networks (user_id, network) {
        user_id -> Uuid,
        network -> Text,
        used_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    signing_keys (fingerprint) {
        fingerprint -> Text,
        last_used_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::store::sql_types::TaskStatus;

    tasks (id) {
        id -> Uuid,
        workspace_id -> Uuid,
        organization_id -> Nullable<Uuid>,
        user_id -> Nullable<Uuid>,
        project_id -> Nullable<Uuid>,
        owner_id -> Uuid,
        assignee_id -> Nullable<Uuid>,
        name -> Text,
        status -> TaskStatus,
        source_storage_id -> Nullable<Uuid>,
        target_storage_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        name_key -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    users (id) {
        id -> Uuid,
        username -> Text,
        display_name -> Nullable<Text>,
        email -> Nullable<Text>,
        email_verified_at -> Nullable<Timestamptz>,
        password_hash -> Nullable<Text>,
        is_admin -> Bool,
        created_at -> Timestamptz,
        selected_organization_id -> Nullable<Uuid>,
        shown_name -> Text,
        email_written -> Nullable<Text>,
        tokens_valid_from -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    cloud_storages,
    email_tokens,
    event_epochs,
    event_log,
    event_ties,
    events,
    external_identities,
    former_slugs,
    idempotency_keys,
    imports,
    installation,
    invitations,
    jobs,
    mail_counts,
    mails,
    memberships,
    organizations,
    ownership_offers,
    plans,
    projects,
    sessions,
    sign_in_networks,
    signing_keys,
    tasks,
    users
);
