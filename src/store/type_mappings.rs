//! How IDs and enums of the domain are stored: IDs as `uuid`, enums as enums of the database with the same names.

use std::io::Write;

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::{IntoSql, QueryResult};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::sql_types;
use crate::domain::cloud_storage::CloudProvider;
use crate::domain::invitation::{DeliveryState, InvitationStatus};
use crate::domain::job::{JobStage, JobState};
use crate::domain::organization::OrganizationStatus;
use crate::domain::ownership_offer::OwnershipOfferStatus;
use crate::domain::plan::{BillingInterval, PlanTier};
use crate::domain::task::TaskStatus;
use crate::domain::{
    CloudStorageId, EmailTokenPurpose, EventId, InvitationId, JobId, MailId, MembershipId, OrganizationId,
    OwnershipOfferId, PersonalWorkspaceId, ProjectId, Role, SessionId, TaskId, UserId,
};

/// Lets diesel take a type of the domain as an expression and as a column of a row.
macro_rules! sql_expression {
    ($rust:ident as $sql:ty) => {
        const _: () = {
            #[derive(AsExpression, FromSqlRow)]
            #[diesel(foreign_derive, sql_type = $sql)]
            #[allow(dead_code, reason = "names the type that the traits are derived for")]
            struct Proxy($rust);
        };
    };
}

macro_rules! stored_ids {
    ($($id:ident,)+) => {$(
        sql_expression!($id as diesel::sql_types::Uuid);

        impl ToSql<diesel::sql_types::Uuid, Pg> for $id {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                ToSql::<diesel::sql_types::Uuid, Pg>::to_sql(&Uuid::from(*self), &mut out.reborrow())
            }
        }

        impl FromSql<diesel::sql_types::Uuid, Pg> for $id {
            fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
                <Uuid as FromSql<diesel::sql_types::Uuid, Pg>>::from_sql(value).map(Self::from)
            }
        }
    )+};
}

macro_rules! stored_enums {
    ($($rust:ident as $sql:ident,)+) => {
        $(
            sql_expression!($rust as sql_types::$sql);

            impl ToSql<sql_types::$sql, Pg> for $rust {
                fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                    out.write_all(self.name().as_bytes())?;
                    Ok(IsNull::No)
                }
            }

            impl FromSql<sql_types::$sql, Pg> for $rust {
                fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
                    let name = String::from_utf8_lossy(value.as_bytes());
                    Self::from_name(&name).ok_or_else(|| format!("unknown value {name:?}").into())
                }
            }
        )+

        /// Looks up the OIDs of all enum types on a new connection at once, so that no later statement has to wait for
        /// them.
        pub(super) async fn look_up_oids(mut session: &AsyncPgConnection) -> QueryResult<()> {
            let one_of_each = ($($rust::ALL[0].into_sql::<sql_types::$sql>(),)+);
            diesel::select(one_of_each).execute(&mut session).await?;
            Ok(())
        }
    };
}

stored_ids! {
    UserId,
    OrganizationId,
    MembershipId,
    InvitationId,
    OwnershipOfferId,
    PersonalWorkspaceId,
    ProjectId,
    TaskId,
    JobId,
    CloudStorageId,
    EventId,
    MailId,
    SessionId,
}

stored_enums! {
    Role as MemberRole,
    InvitationStatus as InvitationStatus,
    OrganizationStatus as OrganizationStatus,
    OwnershipOfferStatus as OwnershipOfferStatus,
    DeliveryState as DeliveryState,
    CloudProvider as CloudProvider,
    TaskStatus as TaskStatus,
    JobStage as JobStage,
    JobState as JobState,
    EmailTokenPurpose as EmailTokenPurpose,
    PlanTier as PlanTier,
    BillingInterval as BillingInterval,
}
