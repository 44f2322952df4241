//! Typed identifiers: a UUIDv7 inside, a prefix for the type outside (`org_01jd…`, Crockford's base 32).
//!
//! An ID of one type is not accepted in place of another, neither by the compiler nor from a client.

use std::fmt::{self, Write};

use parking_lot::Mutex;
use uuid::{ContextV7, Timestamp, Uuid};

use super::clock::Instant;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Number of characters of 128 bits in base 32.
const ENCODED: usize = 26;

/// A type of IDs.
pub trait TypedId:
    Copy + Eq + std::hash::Hash + fmt::Display + From<Uuid> + Into<Uuid> + Send + Sync + 'static
{
    /// Prefix before the underscore.
    const PREFIX: &'static str;

    /// Writes `prefix_…`.
    fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(Self::PREFIX.as_bytes());
        out.push(b'_');
        out.extend_from_slice(&encode(self.into()));
    }

    /// Parses `prefix_…`; `None` for another prefix or a malformed ID.
    fn parse(text: &str) -> Option<Self> {
        let (prefix, encoded) = text.split_once('_')?;
        (prefix == Self::PREFIX).then(|| decode(encoded)).flatten().map(Self::from)
    }
}

impl UserId {
    /// Returns when the ID was created; `None` if it contains no time.
    pub fn made_at(self) -> Option<Instant> {
        let (seconds, nanoseconds) = self.0.get_timestamp()?.to_unix();
        Instant::from_timestamp(i64::try_from(seconds).ok()?, nanoseconds)
    }
}

fn encode(uuid: Uuid) -> [u8; ENCODED] {
    let bits = uuid.as_u128();
    std::array::from_fn(|place| ALPHABET[(bits >> (5 * (ENCODED - 1 - place))) as usize & 31])
}

fn decode(text: &str) -> Option<Uuid> {
    // 26 characters hold 130 bits: the first one may only use three of its five.
    if text.len() != ENCODED || text.as_bytes()[0] > b'7' {
        return None;
    }
    text.bytes()
        .try_fold(0u128, |bits, byte| {
            let value = ALPHABET.iter().position(|&symbol| symbol == byte)?;
            Some(bits << 5 | value as u128)
        })
        .map(Uuid::from_u128)
}

static CONTEXT: std::sync::LazyLock<Mutex<ContextV7>> = std::sync::LazyLock::new(Default::default);

/// Returns a new UUIDv7 of an instant. The IDs of one process are ascending, also within a millisecond.
pub fn new_id<I: TypedId>(at: Instant) -> I {
    let context = CONTEXT.lock();
    let seconds = u64::try_from(at.timestamp()).unwrap_or(0);
    Uuid::new_v7(Timestamp::from_unix(&*context, seconds, at.timestamp_subsec_nanos())).into()
}

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(serde::Serialize, serde::Deserialize)]
        pub struct $name(Uuid);

        impl TypedId for $name {
            const PREFIX: &'static str = $prefix;
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!($prefix, "_"))?;
                encode(self.0).into_iter().try_for_each(|symbol| f.write_char(symbol.into()))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )+};
}

typed_ids! {
    /// An account.
    UserId = "usr";
    /// An organization.
    OrganizationId = "org";
    /// A membership.
    MembershipId = "mem";
    /// An invitation.
    InvitationId = "inv";
    /// An offer of ownership.
    OwnershipOfferId = "off";
    /// A personal workspace. It has the UUID of its user.
    PersonalWorkspaceId = "pws";
    /// A project.
    ProjectId = "prj";
    /// A task.
    TaskId = "tsk";
    /// A job.
    JobId = "job";
    /// A cloud storage.
    CloudStorageId = "sto";
    /// An event.
    EventId = "evt";
    /// A mail in the queue.
    MailId = "mail";
    /// A session.
    SessionId = "ses";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_parse_accepts_only_ids_of_its_type() {
        for bits in [0, 1, u128::MAX, 0x0192_f3c4_5d6e_7f80_8123_4567_89ab_cdef] {
            let id = OrganizationId(Uuid::from_u128(bits));
            assert_eq!(OrganizationId::parse(&id.to_string()), Some(id));
            assert_eq!(UserId::parse(&id.to_string()), None, "another type");
        }
        for bad in [
            "",
            "org",
            "org_",
            "org_8zzzzzzzzzzzzzzzzzzzzzzzzz",
            "org_0000000000000000000000000u",
            "org_é0000000000000000000000000",
        ] {
            assert_eq!(OrganizationId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn new_ids_of_one_millisecond_ascend() {
        let now = super::super::Clock::default().now();
        let ids: Vec<UserId> = (0..1000).map(|_| new_id(now)).collect();
        assert!(ids.is_sorted());
    }
}
