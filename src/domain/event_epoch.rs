//! Epochs of the event log. A new epoch begins when the database was restored from a backup or promoted: events after
//! the backup are lost, and their positions are used again for other events.

use super::event::EventPosition;

/// One epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventEpoch {
    /// Random ID; 0 for the first epoch.
    pub id: i64,
    /// Events of the epoch have this transaction or a later one.
    pub first_transaction: i64,
}

/// A position together with the epoch in which it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochPosition {
    /// ID of the epoch.
    pub epoch: i64,
    /// The position.
    pub position: EventPosition,
}

/// All epochs of a log, oldest first. There is at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventEpochs(Vec<EventEpoch>);

impl Default for EventEpochs {
    fn default() -> Self {
        Self(vec![EventEpoch { id: 0, first_transaction: 0 }])
    }
}

impl EventEpochs {
    /// Creates the list from epochs in any order; the default if there are none.
    pub fn new(mut epochs: Vec<EventEpoch>) -> Self {
        epochs.sort_by_key(|epoch| epoch.first_transaction);
        if epochs.is_empty() { Self::default() } else { Self(epochs) }
    }

    /// Returns a position of an event in the log, with its epoch.
    pub fn locate(&self, position: EventPosition) -> EpochPosition {
        let is_later = |epoch: &&EventEpoch| epoch.first_transaction <= position.transaction;
        let epoch = self.0.iter().rev().find(is_later).map_or(0, |epoch| epoch.id);
        EpochPosition { epoch, position }
    }

    /// Returns whether a position is in this log: its epoch is known, and the next epoch begins after it. Positions of
    /// lost events are not in the log.
    pub fn contains(&self, at: EpochPosition) -> bool {
        let Some(index) = self.0.iter().position(|epoch| epoch.id == at.epoch) else { return false };
        self.0.get(index + 1).is_none_or(|next| at.position.transaction < next.first_transaction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(epoch: i64, transaction: i64) -> EpochPosition {
        EpochPosition { epoch, position: EventPosition { transaction, sequence: 1 } }
    }

    #[test]
    fn event_epochs_do_not_contain_positions_of_lost_events() {
        let epochs = EventEpochs::new(vec![
            EventEpoch { id: 77, first_transaction: 100 },
            EventEpoch { id: 0, first_transaction: 0 },
        ]);
        assert!(epochs.contains(at(0, 99)) && epochs.contains(at(77, 100)) && epochs.contains(at(77, 5000)));
        assert!(!epochs.contains(at(0, 100)), "after the backup");
        assert!(!epochs.contains(at(78, 50)), "an epoch of another restore");
        for transaction in [1, 99, 100, 101] {
            assert!(epochs.contains(epochs.locate(at(0, transaction).position)));
        }
        assert_eq!(epochs.locate(at(0, 99).position).epoch, 0);
        assert_eq!(epochs.locate(at(0, 100).position).epoch, 77);
    }
}
