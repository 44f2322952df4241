//! Writes one log entry for an operation with streamed results (WebSocket or Server-Sent Events), when the operation
//! ends for any reason.

use std::time::Instant;

use crate::graphql::context::Refusals;
use crate::graphql::subscription::SubscriptionItem;
use crate::server::error::Codes;
use crate::server::error_codes::code;
use crate::server::middleware::{Operation, RequestId, distinct, sanitised};

/// Log entry of an operation, written when this value is dropped.
pub struct OperationLog {
    id: RequestId,
    operation: Operation,
    started: Instant,
    refusals: Refusals,
    codes: Codes,
}

impl OperationLog {
    /// Creates the entry for an operation that begins now.
    pub fn new(id: RequestId, operation: Operation, refusals: Refusals) -> Self {
        Self { id, operation, started: Instant::now(), refusals, codes: Codes::default() }
    }

    /// Records the error codes of a result.
    pub fn note(&mut self, item: &SubscriptionItem) {
        let SubscriptionItem::Executed(executed) = item else { return };
        for code in executed.errors.iter().filter_map(code) {
            if !self.codes.0.iter().any(|noted| noted == code) {
                self.codes.0.push(code.to_owned());
            }
        }
    }
}

impl Drop for OperationLog {
    fn drop(&mut self) {
        self.codes.0.extend(self.refusals.codes().into_iter().map(str::to_owned));
        tracing::info!(
            request_id = %self.id.0,
            ms = self.started.elapsed().as_micros() as f64 / 1000.0,
            kind = %self.operation.kind,
            operation = self.operation.name.as_deref().map(sanitised),
            actor = self.operation.actor.map(tracing::field::display),
            codes = Some(distinct(&self.codes)).filter(|codes| !codes.is_empty()),
            "operation finished",
        );
    }
}
