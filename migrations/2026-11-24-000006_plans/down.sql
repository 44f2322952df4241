DROP TABLE plans;
DROP TYPE billing_interval, plan_tier;
