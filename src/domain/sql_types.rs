//! What the domain's enums are called in the database: the types that diesel checks queries against.

/// `member_role`.
#[derive(diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
#[diesel(postgres_type(name = "member_role"))]
pub struct MemberRole;

/// `invitation_status`.
#[derive(diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
#[diesel(postgres_type(name = "invitation_status"))]
pub struct InvitationStatus;

/// `organization_status`.
#[derive(diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
#[diesel(postgres_type(name = "organization_status"))]
pub struct OrganizationStatus;

/// `ownership_offer_status`.
#[derive(diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
#[diesel(postgres_type(name = "ownership_offer_status"))]
pub struct OwnershipOfferStatus;

/// `delivery_state`.
#[derive(diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
#[diesel(postgres_type(name = "delivery_state"))]
pub struct DeliveryState;

/// `cloud_provider`.
#[derive(diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
#[diesel(postgres_type(name = "cloud_provider"))]
pub struct CloudProvider;

/// `task_status`.
#[derive(diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
#[diesel(postgres_type(name = "task_status"))]
pub struct TaskStatus;

/// `job_stage`.
#[derive(diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
#[diesel(postgres_type(name = "job_stage"))]
pub struct JobStage;

/// `job_state`.
#[derive(diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
#[diesel(postgres_type(name = "job_state"))]
pub struct JobState;

/// `email_token_purpose`.
#[derive(diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
#[diesel(postgres_type(name = "email_token_purpose"))]
pub struct EmailTokenPurpose;

/// `plan_tier`.
#[derive(diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
#[diesel(postgres_type(name = "plan_tier"))]
pub struct PlanTier;

/// `billing_interval`.
#[derive(diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
#[diesel(postgres_type(name = "billing_interval"))]
pub struct BillingInterval;
