//! The plan of a workspace and its periods. Limits and prices are in [`plan_catalog`](super::plan_catalog).

use chrono::Months;

use super::clock::Instant;
use super::named_enum::named_enum;

named_enum! {
    /// Tier of a plan.
    pub enum PlanTier {
        /// Free of charge. The tier of every new workspace.
        Free = "FREE",
        /// Higher limits for a personal workspace.
        Solo = "SOLO",
        /// For organizations: no limits except the seats.
        Team = "TEAM",
    }
}

named_enum! {
    /// Billing interval.
    pub enum BillingInterval {
        /// Every month.
        Month = "MONTH",
        /// Every year.
        Year = "YEAR",
    }
}

impl BillingInterval {
    fn months(self) -> u32 {
        match self {
            Self::Month => 1,
            Self::Year => 12,
        }
    }
}

/// Terms of a paid plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaidPlan {
    /// Tier, other than FREE.
    pub tier: PlanTier,
    /// Billing interval.
    pub interval: BillingInterval,
    /// Number of bought seats; `None` if seats follow the number of members, and for tiers other than TEAM.
    pub seats: Option<i32>,
    /// Start of the first period. Later periods begin on the same day of the month, or on the last day of a shorter
    /// month.
    pub anchor: Instant,
    /// When the plan becomes FREE, if it is cancelled.
    pub cancels_at: Option<Instant>,
}

impl PaidPlan {
    /// Returns the end of the period that contains `now`. It is counted from the anchor, so that periods that begin on
    /// the 31st do not move to an earlier day after a shorter month.
    pub fn period_end(&self, now: Instant) -> Instant {
        let months = self.interval.months();
        let days = (now - self.anchor).num_days().max(0);
        // A lower bound, because no month has more than 31 days. The search below needs only a few further steps.
        let passed = u32::try_from(days / 31).unwrap_or(0) / months;
        (passed.max(1)..)
            .map_while(|period| self.anchor.checked_add_months(Months::new(period.checked_mul(months)?)))
            .find(|end| *end > now)
            .unwrap_or(Instant::MAX_UTC)
    }
}

/// The plan of a workspace; FREE without terms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan(pub Option<PaidPlan>);

impl Plan {
    /// The plan of a new workspace.
    pub const FREE: Self = Self(None);

    /// Returns the plan at `now`. This is the only rule of its end: a cancelled plan is FREE from its end on.
    pub fn at(self, now: Instant) -> Self {
        Self(self.0.filter(|terms| terms.cancels_at.is_none_or(|end| end > now)))
    }

    /// Returns the tier.
    pub fn tier(&self) -> PlanTier {
        self.0.as_ref().map_or(PlanTier::Free, |terms| terms.tier)
    }

    /// Returns the billing interval; `None` for FREE.
    pub fn interval(&self) -> Option<BillingInterval> {
        self.0.as_ref().map(|terms| terms.interval)
    }

    /// Returns the number of bought seats; `None` if seats follow the number of members, and for tiers other than TEAM.
    pub fn seats(&self) -> Option<i32> {
        self.0.as_ref().and_then(|terms| terms.seats)
    }

    /// Returns the start of the next period; `None` for FREE and for a cancelled plan.
    pub fn renews_at(&self, now: Instant) -> Option<Instant> {
        self.0.as_ref().filter(|terms| terms.cancels_at.is_none()).map(|terms| terms.period_end(now))
    }

    /// Returns when the plan becomes FREE; `None` if it is not cancelled.
    pub fn cancels_at(&self) -> Option<Instant> {
        self.0.as_ref().and_then(|terms| terms.cancels_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().unwrap_or_else(|_| panic!("an instant: {text}"))
    }

    fn terms(interval: BillingInterval, anchor: &str) -> PaidPlan {
        PaidPlan { tier: PlanTier::Team, interval, seats: None, anchor: at(anchor), cancels_at: None }
    }

    #[test]
    fn plan_period_end_keeps_the_31st_after_shorter_months() {
        let monthly = terms(BillingInterval::Month, "2027-01-31T10:00:00Z");
        for (now, end) in [
            ("2027-01-31T10:00:00Z", "2027-02-28T10:00:00Z"),
            ("2027-02-28T09:59:59.999Z", "2027-02-28T10:00:00Z"),
            ("2027-02-28T10:00:00Z", "2027-03-31T10:00:00Z"),
            ("2027-03-31T10:00:00Z", "2027-04-30T10:00:00Z"),
            ("2027-04-30T10:00:00Z", "2027-05-31T10:00:00Z"),
            ("2028-02-01T00:00:00Z", "2028-02-29T10:00:00Z"),
            ("2028-12-31T10:00:00Z", "2029-01-31T10:00:00Z"),
        ] {
            assert_eq!(monthly.period_end(at(now)), at(end), "seen from {now}");
        }
    }

    #[test]
    fn plan_period_end_keeps_a_leap_day_after_other_years() {
        let yearly = terms(BillingInterval::Year, "2028-02-29T00:00:00Z");
        for (now, end) in [
            ("2028-02-29T00:00:00Z", "2029-02-28T00:00:00Z"),
            ("2029-02-28T00:00:00Z", "2030-02-28T00:00:00Z"),
            ("2031-03-01T00:00:00Z", "2032-02-29T00:00:00Z"),
            ("2032-02-28T23:59:59Z", "2032-02-29T00:00:00Z"),
        ] {
            assert_eq!(yearly.period_end(at(now)), at(end), "seen from {now}");
        }
    }

    #[test]
    fn plan_period_end_is_right_for_old_anchors() {
        for interval in [BillingInterval::Month, BillingInterval::Year] {
            let terms = terms(interval, "1990-08-31T12:00:00Z");
            let mut now = terms.anchor;
            while now < at("2100-01-01T00:00:00Z") {
                let end = terms.period_end(now);
                assert!(end > now && end <= now + Months::new(interval.months()) + chrono::TimeDelta::days(3));
                now = end;
            }
        }
        let before = terms(BillingInterval::Month, "2027-01-31T00:00:00Z");
        assert_eq!(before.period_end(at("2020-01-01T00:00:00Z")), at("2027-02-28T00:00:00Z"), "a clock turned back");
    }

    #[test]
    fn cancelled_plan_is_free_from_its_end_on() {
        let end = at("2027-02-28T10:00:00Z");
        let cancelled =
            Plan(Some(PaidPlan { cancels_at: Some(end), ..terms(BillingInterval::Month, "2027-01-31T10:00:00Z") }));
        let eve = end - chrono::TimeDelta::milliseconds(1);
        assert_eq!(cancelled.clone().at(eve), cancelled);
        assert_eq!((cancelled.renews_at(eve), cancelled.cancels_at()), (None, Some(end)));
        assert_eq!(cancelled.at(end), Plan::FREE);
        let running = Plan(Some(terms(BillingInterval::Year, "2027-01-31T10:00:00Z")));
        assert_eq!(running.clone().at(at("2099-01-01T00:00:00Z")), running);
        assert_eq!((Plan::FREE.tier(), Plan::FREE.renews_at(end)), (PlanTier::Free, None));
    }
}
