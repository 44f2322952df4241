//! Events by ID.

use std::sync::Arc;

use super::load_by_id;
use crate::domain::EventId;
use crate::store::events::{self, Entry};

load_by_id!(EventId, Arc<Entry>, events::find_many, |entry: &Entry| entry.id, Arc::new);
