//! The enum types of the database, as diesel checks queries against them.

macro_rules! enum_types {
    ($($name:ident = $sql:literal,)+) => {$(
        #[doc = concat!("`", $sql, "`.")]
        #[derive(diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
        #[diesel(postgres_type(name = $sql))]
        pub struct $name;
    )+};
}

enum_types! {
    MemberRole = "member_role",
    InvitationStatus = "invitation_status",
    OrganizationStatus = "organization_status",
    OwnershipOfferStatus = "ownership_offer_status",
    DeliveryState = "delivery_state",
    CloudProvider = "cloud_provider",
    TaskStatus = "task_status",
    JobStage = "job_stage",
    JobState = "job_state",
    EmailTokenPurpose = "email_token_purpose",
    PlanTier = "plan_tier",
    BillingInterval = "billing_interval",
}
