//! The plan catalog: what each plan allows and costs.

use super::limit::LimitKind;
use super::plan::{BillingInterval, Plan, PlanTier};
use super::workspace::WorkspaceId;

/// Maximum number of each kind, in the order of [`LimitKind::ALL`]; `None` if unlimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanLimits([Option<i32>; LimitKind::ALL.len()]);

impl PlanLimits {
    /// Returns the maximum number of a kind; `None` if unlimited.
    pub fn max(&self, kind: LimitKind) -> Option<i32> {
        self.0[kind as usize]
    }

    /// Sets the maximum number of a kind.
    pub fn set(&mut self, kind: LimitKind, max: Option<i32>) {
        self.0[kind as usize] = max;
    }
}

/// Price of an interval, in minor units of the currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// Price of a month.
    pub month: i32,
    /// Price of a year.
    pub year: i32,
}

impl Price {
    /// Returns the price of an interval.
    pub fn of(self, interval: BillingInterval) -> i32 {
        match interval {
            BillingInterval::Month => self.month,
            BillingInterval::Year => self.year,
        }
    }
}

/// Limits and prices of all plans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plans {
    /// Whether no limit applies.
    pub unlimited: bool,
    /// Currency, as in ISO 4217.
    pub currency: String,
    /// Limits of FREE for personal workspaces.
    pub free_personal: PlanLimits,
    /// Limits of FREE for organizations.
    pub free_organization: PlanLimits,
    /// Limits of SOLO, for personal workspaces.
    pub solo: PlanLimits,
    /// Limits of TEAM, for organizations. The seats limit the number of members.
    pub team: PlanLimits,
    /// Price of SOLO.
    pub solo_price: Price,
    /// Price of a seat of TEAM.
    pub team_price: Price,
}

impl Default for Plans {
    #[rustfmt::skip]
    fn default() -> Self {
        Self {
            unlimited: false,
            currency: "USD".to_owned(),
            //                              projects, tasks,     per project, storages, members,  owned organizations
            free_personal:     PlanLimits([  Some(3),  Some(10),  Some(5),     Some(10), None,     Some(1)]),
            free_organization: PlanLimits([  Some(3),  Some(10),  Some(5),     Some(10), Some(10), None]),
            solo:              PlanLimits([  Some(10), Some(250), None,        Some(10), None,     Some(3)]),
            team:              PlanLimits([  None,     None,      None,        None,     None,     None]),
            solo_price: Price { month: 3300, year: 27720 },
            team_price: Price { month: 3300, year: 27720 },
        }
    }
}

/// Maximum number of seats.
const MAX_SEATS: i32 = 50_000;

impl Plans {
    /// Returns the default plans without limits.
    pub fn unlimited() -> Self {
        Self { unlimited: true, ..Self::default() }
    }

    /// Returns the maximum number of a kind in a workspace with a plan; `None` if unlimited.
    pub fn max(&self, workspace: WorkspaceId, plan: &Plan, kind: LimitKind) -> Option<i32> {
        if self.unlimited {
            return None;
        }
        let allowance = match (plan.tier(), workspace) {
            (PlanTier::Free, WorkspaceId::Personal(_)) => &self.free_personal,
            (PlanTier::Free, WorkspaceId::Organization(_)) => &self.free_organization,
            (PlanTier::Solo, _) => &self.solo,
            (PlanTier::Team, _) if kind == LimitKind::Members => return plan.seats(),
            (PlanTier::Team, _) => &self.team,
        };
        allowance.max(kind)
    }

    /// Returns the price of an interval of a personal plan or of a seat, in minor units; `None` for FREE.
    pub fn unit_price(&self, tier: PlanTier, interval: BillingInterval) -> Option<i32> {
        match tier {
            PlanTier::Free => None,
            PlanTier::Solo => Some(self.solo_price.of(interval)),
            PlanTier::Team => Some(self.team_price.of(interval)),
        }
    }

    /// Returns the maximum number of seats whose total price fits into an `Int` of the schema.
    pub fn max_seats(&self) -> i32 {
        MAX_SEATS.min(i32::MAX / self.team_price.month.max(self.team_price.year).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::plan::PaidPlan;
    use uuid::Uuid;

    fn workspaces() -> (WorkspaceId, WorkspaceId) {
        let uuid = Uuid::from_u128(7);
        (WorkspaceId::Organization(uuid.into()), WorkspaceId::Personal(uuid.into()))
    }

    fn paid(tier: PlanTier, seats: Option<i32>) -> Plan {
        let anchor = crate::domain::Clock::default().now();
        Plan(Some(PaidPlan { tier, interval: BillingInterval::Month, seats, anchor, cancels_at: None }))
    }

    #[test]
    fn default_plans_match_the_price_list() {
        let (organization, personal) = workspaces();
        let plans = Plans::default();
        let row = |workspace, plan: &Plan| LimitKind::ALL.map(|kind| plans.max(workspace, plan, kind));
        let some = |numbers: [i32; 6]| numbers.map(|number| (number > 0).then_some(number));
        assert_eq!(row(personal, &Plan::FREE), some([3, 10, 5, 10, 0, 1]));
        assert_eq!(row(organization, &Plan::FREE), some([3, 10, 5, 10, 10, 0]));
        assert_eq!(row(personal, &paid(PlanTier::Solo, None)), some([10, 250, 0, 10, 0, 3]));
        assert_eq!(row(organization, &paid(PlanTier::Team, None)), [None; 6]);
        assert_eq!(row(organization, &paid(PlanTier::Team, Some(5))), some([0, 0, 0, 0, 5, 0]));
        for tier in [PlanTier::Solo, PlanTier::Team] {
            assert_eq!(plans.unit_price(tier, BillingInterval::Month), Some(3300));
            assert_eq!(plans.unit_price(tier, BillingInterval::Year), Some(27720));
        }
        assert_eq!(plans.unit_price(PlanTier::Free, BillingInterval::Month), None);
    }

    #[test]
    fn a_year_is_thirty_per_cent_less_than_twelve_months() {
        let Price { month, year } = Plans::default().team_price;
        assert_eq!(year * 10, month * 12 * 7);
    }

    #[test]
    fn unlimited_plans_have_no_limit_and_no_maximum_of_seats() {
        let (organization, personal) = workspaces();
        for kind in LimitKind::ALL {
            assert_eq!(Plans::unlimited().max(personal, &Plan::FREE, kind), None);
            assert_eq!(Plans::unlimited().max(organization, &paid(PlanTier::Team, Some(1)), kind), None);
        }
    }

    #[test]
    fn max_seats_have_a_price_that_fits_into_an_int() {
        let mut plans = Plans::default();
        for price in [0, 1, 27720, 100_000_000] {
            plans.team_price.year = price;
            let most = plans.max_seats();
            assert!(most >= 1 && most.checked_mul(price).is_some(), "{most} seats at {price}");
        }
    }
}
