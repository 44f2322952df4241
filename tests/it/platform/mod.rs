//! Properties of the platform: transactions, statements, processes, connections, and the structure of the code.

pub mod architecture;
pub mod cancellation;
pub mod commands;
pub mod database_tls;
pub mod fast_list;
pub mod keys;
pub mod life_cycle;
pub mod migrations;
pub mod multi_process;
pub mod outcome;
pub mod pipelining;
pub mod pooler;
pub mod query_batching;
pub mod query_count;
pub mod query_plans;
pub mod round_trips;
pub mod silent_network;
pub mod slow_readers;
pub mod upgrade;
pub mod worker_delay;
