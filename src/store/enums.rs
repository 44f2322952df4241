//! How the enums of the domain are stored: as enums of the database with the same names.

use std::io::Write;

use diesel::deserialize::{self, FromSql};
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};

use crate::domain::invitation::{DeliveryState, InvitationStatus};
use crate::domain::organization::OrganizationStatus;
use crate::domain::ownership::OwnershipOfferStatus;
use crate::domain::plan::{BillingInterval, PlanTier};
use crate::domain::resource::{CloudProvider, JobStage, JobState, TaskStatus};
use crate::domain::{EmailTokenPurpose, Role, sql_types};

macro_rules! stored_enum {
    ($rust:ty as $sql:ty { $($variant:ident = $name:literal),+ $(,)? }) => {
        impl ToSql<$sql, Pg> for $rust {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                out.write_all(match self { $(<$rust>::$variant => $name,)+ })?;
                Ok(IsNull::No)
            }
        }

        impl FromSql<$sql, Pg> for $rust {
            fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
                match value.as_bytes() {
                    $($name => Ok(<$rust>::$variant),)+
                    other => Err(format!("unknown value {:?}", String::from_utf8_lossy(other)).into()),
                }
            }
        }
    };
}

stored_enum!(Role as sql_types::MemberRole {
    Worker = b"WORKER", Supervisor = b"SUPERVISOR", Maintainer = b"MAINTAINER", Owner = b"OWNER",
});

stored_enum!(InvitationStatus as sql_types::InvitationStatus {
    Pending = b"PENDING", Accepted = b"ACCEPTED", Declined = b"DECLINED", Revoked = b"REVOKED", Expired = b"EXPIRED",
});

stored_enum!(OrganizationStatus as sql_types::OrganizationStatus {
    Active = b"ACTIVE", PendingDeletion = b"PENDING_DELETION",
});

stored_enum!(OwnershipOfferStatus as sql_types::OwnershipOfferStatus {
    Pending = b"PENDING", Accepted = b"ACCEPTED", Declined = b"DECLINED", Cancelled = b"CANCELLED", Expired = b"EXPIRED",
});

stored_enum!(DeliveryState as sql_types::DeliveryState {
    Queued = b"QUEUED", Sent = b"SENT", Failed = b"FAILED",
});

stored_enum!(CloudProvider as sql_types::CloudProvider {
    AwsS3 = b"AWS_S3", AzureBlob = b"AZURE_BLOB", GoogleCloudStorage = b"GOOGLE_CLOUD_STORAGE",
});

stored_enum!(TaskStatus as sql_types::TaskStatus {
    Annotation = b"ANNOTATION", Validation = b"VALIDATION", Completed = b"COMPLETED",
});

stored_enum!(JobStage as sql_types::JobStage {
    Annotation = b"ANNOTATION", Validation = b"VALIDATION", Acceptance = b"ACCEPTANCE",
});

stored_enum!(JobState as sql_types::JobState {
    New = b"NEW", InProgress = b"IN_PROGRESS", Completed = b"COMPLETED", Rejected = b"REJECTED",
});

stored_enum!(EmailTokenPurpose as sql_types::EmailTokenPurpose {
    Verify = b"VERIFY", Change = b"CHANGE", Reset = b"RESET",
});

stored_enum!(PlanTier as sql_types::PlanTier {
    Free = b"FREE", Solo = b"SOLO", Team = b"TEAM",
});

stored_enum!(BillingInterval as sql_types::BillingInterval {
    Month = b"MONTH", Year = b"YEAR",
});
