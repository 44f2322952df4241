//! A large data set for load tests: always the same, generated inside the database in seconds. A few organizations are
//! very large, most are small; some users lead many organizations, and some are in none. It writes no events.

use crate::domain::{InternalError, Result};
use crate::store::seed;
use crate::store::seed::Layout;
use crate::store::{Database, Transactional, bulk_insert};

/// Pending invitations of each organization.
const INVITATIONS: i64 = 5;
/// Leads of an organization: an owner, two maintainers, three supervisors.
const LEADS: u32 = 6;

/// Sizes of the data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed {
    /// Number of accounts: `user-000001` and on, `user-000001@example.org`, verified, without passwords.
    pub users: u32,
    /// Number of organizations: `org-00001` and on, the largest first.
    pub organizations: u32,
    /// Number of memberships in all organizations.
    pub memberships: u32,
}

impl Default for Seed {
    fn default() -> Self {
        Self { users: 100_000, organizations: 10_000, memberships: 500_000 }
    }
}

/// Fills an empty database. Fails if the database is not empty, or if the numbers do not fit together.
pub async fn run(store: &Database, seed: Seed) -> Result<()> {
    let layout = layout_of(seed).ok_or_else(|| {
        InternalError::new(format!(
            "{} memberships are not possible: each organization needs an owner and has each user only once.",
            seed.memberships
        ))
    })?;
    let mut connection = store.writer().await?;
    connection
        .transaction(async |tx| {
            bulk_insert::lock_installation(tx).await?;
            if bulk_insert::has_users(tx).await? {
                return Err(InternalError::new(
                    "This database has users already: the load-test data needs an empty one.",
                )
                .into());
            }
            seed::fill(tx, &layout).await
        })
        .await?;
    seed::settle(&mut connection).await
}

/// Assigns leads, members and sizes. `None` if the numbers do not fit together.
fn layout_of(seed: Seed) -> Option<Layout> {
    let Seed { users, organizations, memberships } = seed;
    let leads = (users / 50).max(LEADS).min(users);
    let without_organization = if users > leads { (users - leads) / 20 } else { 0 };
    let crowd = users - leads - without_organization;
    let leads_each = LEADS.min(leads);
    let sizes = sizes(organizations, memberships, leads_each + crowd)?;
    let member_stride =
        [7, 11, 13, 17, 19, 23, 29, 31, 37, 41].into_iter().find(|prime| crowd % prime != 0).unwrap_or(1);
    Some(Layout {
        users: users.into(),
        leads: leads.into(),
        leads_each: leads_each.into(),
        lead_stride: (leads / LEADS).max(1).into(),
        crowd: crowd.into(),
        member_stride: member_stride.into(),
        sizes: sizes.into_iter().map(i32::try_from).collect::<std::result::Result<_, _>>().ok()?,
        invitations: INVITATIONS,
    })
}

/// Returns the number of members of each organization, `total` in all, 1 to `most` each. With 10,000 organizations and
/// 500,000 members: one of 20,000, one of 5,000, eight of 2,000, 990 of 100, the rest of 40.
fn sizes(organizations: u32, total: u32, most: u32) -> Option<Vec<u32>> {
    if total < organizations || u64::from(total) > u64::from(organizations) * u64::from(most) {
        return None;
    }
    let weights: Vec<u64> = (0..organizations).map(|rank| weight(rank, organizations)).collect();
    let total_weight: u64 = weights.iter().sum();
    let share =
        |weight: u64| u32::try_from(weight * u64::from(total) / total_weight).map_or(most, |size| size.clamp(1, most));
    let mut sizes: Vec<u32> = weights.into_iter().map(share).collect();
    let mut sum: u64 = sizes.iter().copied().map(u64::from).sum();
    // Distributes the difference that rounding and the bounds have caused.
    while sum != u64::from(total) {
        for size in &mut sizes {
            if sum > u64::from(total) && *size > 1 {
                *size -= 1;
                sum -= 1;
            } else if sum < u64::from(total) && *size < most {
                *size += 1;
                sum += 1;
            }
        }
    }
    Some(sizes)
}

/// Returns the relative size of the organization with this rank.
fn weight(rank: u32, organizations: u32) -> u64 {
    let share = |part: u32, min: u32| u64::from((organizations / part).max(min)) * 100;
    match rank {
        0 => share(25, 4),
        1 => share(100, 2),
        2..=9 => share(250, 1),
        _ if rank < organizations / 10 => 200,
        _ => 80,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_has_a_few_very_large_organizations() {
        let layout = layout_of(Seed::default()).expect("the default fits");
        assert_eq!(layout.sizes[..11], [20_000, 5_000, 2_000, 2_000, 2_000, 2_000, 2_000, 2_000, 2_000, 2_000, 100]);
        assert_eq!((layout.sizes[999], layout.sizes[1000], layout.sizes[9_999]), (100, 40, 40));
        assert_eq!(layout.sizes.iter().sum::<i32>(), 500_000);
    }

    #[test]
    fn layout_has_exactly_the_requested_memberships() {
        for (users, organizations, memberships) in
            [(1, 1, 1), (5, 3, 15), (7, 2, 14), (300, 20, 1_000), (1_000, 100, 5_000), (20_000, 77, 77), (100, 0, 0)]
        {
            let seed = Seed { users, organizations, memberships };
            let layout = layout_of(seed).unwrap_or_else(|| panic!("{seed:?} fits"));
            assert_eq!(
                layout.sizes.iter().map(|&size| i64::from(size)).sum::<i64>(),
                i64::from(memberships),
                "{seed:?}"
            );
            let most = layout.leads_each + layout.crowd;
            assert!(layout.sizes.iter().all(|&size| size >= 1 && i64::from(size) <= most), "{seed:?}");
        }
    }

    #[test]
    fn layout_refuses_too_many_or_too_few_memberships() {
        assert_eq!(layout_of(Seed { users: 10, organizations: 2, memberships: 21 }), None);
        assert_eq!(layout_of(Seed { users: 10, organizations: 3, memberships: 2 }), None);
        assert_eq!(layout_of(Seed { users: 0, organizations: 1, memberships: 1 }), None);
    }
}
