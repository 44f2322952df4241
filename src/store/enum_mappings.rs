//! How the enums of the domain are stored: as enums of the database with the same names.

use std::io::Write;

use diesel::deserialize::{self, FromSql};
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::{IntoSql, QueryResult};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::domain::invitation::{DeliveryState, InvitationStatus};
use crate::domain::organization::OrganizationStatus;
use crate::domain::ownership_offer::OwnershipOfferStatus;
use crate::domain::plan::{BillingInterval, PlanTier};
use crate::domain::resource::{CloudProvider, JobStage, JobState, TaskStatus};
use crate::domain::{EmailTokenPurpose, Role, sql_types};

macro_rules! stored_enums {
    ($($rust:ty as $sql:ty { $first:ident = $its_name:literal $(, $variant:ident = $name:literal)* $(,)? })+) => {
        $(
            impl ToSql<$sql, Pg> for $rust {
                fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                    out.write_all(match self { <$rust>::$first => $its_name, $(<$rust>::$variant => $name,)* })?;
                    Ok(IsNull::No)
                }
            }

            impl FromSql<$sql, Pg> for $rust {
                fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
                    match value.as_bytes() {
                        $its_name => Ok(<$rust>::$first),
                        $($name => Ok(<$rust>::$variant),)*
                        other => Err(format!("unknown value {:?}", String::from_utf8_lossy(other)).into()),
                    }
                }
            }
        )+

        /// Has a new connection ask for the numbers that these have in its database, all at once, so that no statement has to
        /// wait for them.
        pub(super) async fn look_up(mut session: &AsyncPgConnection) -> QueryResult<()> {
            let one_of_each = ($(<$rust>::$first.into_sql::<$sql>(),)+);
            diesel::select(one_of_each).execute(&mut session).await?;
            Ok(())
        }
    };
}

stored_enums! {
    Role as sql_types::MemberRole {
        Worker = b"WORKER", Supervisor = b"SUPERVISOR", Maintainer = b"MAINTAINER", Owner = b"OWNER",
    }
    InvitationStatus as sql_types::InvitationStatus {
        Pending = b"PENDING", Accepted = b"ACCEPTED", Declined = b"DECLINED", Revoked = b"REVOKED", Expired = b"EXPIRED",
    }
    OrganizationStatus as sql_types::OrganizationStatus {
        Active = b"ACTIVE", PendingDeletion = b"PENDING_DELETION",
    }
    OwnershipOfferStatus as sql_types::OwnershipOfferStatus {
        Pending = b"PENDING", Accepted = b"ACCEPTED", Declined = b"DECLINED", Cancelled = b"CANCELLED", Expired = b"EXPIRED",
    }
    DeliveryState as sql_types::DeliveryState {
        Queued = b"QUEUED", Sent = b"SENT", Failed = b"FAILED",
    }
    CloudProvider as sql_types::CloudProvider {
        AwsS3 = b"AWS_S3", AzureBlob = b"AZURE_BLOB", GoogleCloudStorage = b"GOOGLE_CLOUD_STORAGE",
    }
    TaskStatus as sql_types::TaskStatus {
        Annotation = b"ANNOTATION", Validation = b"VALIDATION", Completed = b"COMPLETED",
    }
    JobStage as sql_types::JobStage {
        Annotation = b"ANNOTATION", Validation = b"VALIDATION", Acceptance = b"ACCEPTANCE",
    }
    JobState as sql_types::JobState {
        New = b"NEW", InProgress = b"IN_PROGRESS", Completed = b"COMPLETED", Rejected = b"REJECTED",
    }
    EmailTokenPurpose as sql_types::EmailTokenPurpose {
        Verify = b"VERIFY", Change = b"CHANGE", Reset = b"RESET",
    }
    PlanTier as sql_types::PlanTier {
        Free = b"FREE", Solo = b"SOLO", Team = b"TEAM",
    }
    BillingInterval as sql_types::BillingInterval {
        Month = b"MONTH", Year = b"YEAR",
    }
}
