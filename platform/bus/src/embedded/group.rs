//! A consumer group and its positions.

use std::{collections::HashMap, sync::Arc};

use super::shared::State;
use crate::Partition;

/// The state of a group. All lists are indexed by slot.
#[derive(Debug)]
pub struct Group {
    /// Whether the group has a member.
    pub open: bool,
    /// Records before this number are processed. 0: the group begins with the oldest record.
    pub positions: Vec<i64>,
    /// The positions as stored in the file. -1: unknown.
    written: Vec<i64>,
    /// Number of records processed since the log was opened.
    pub processed: Vec<i64>,
    /// Lag = `behind` + `appended` − `processed`. Absent until the lag is first requested.
    pub behind: HashMap<usize, i64>,
}

impl Group {
    pub fn new(slots: usize) -> Self {
        Self {
            open: false,
            positions: vec![0; slots],
            written: vec![0; slots],
            processed: vec![0; slots],
            behind: HashMap::new(),
        }
    }

    pub fn resize(&mut self, slots: usize) {
        self.positions.resize(slots, 0);
        self.written.resize(slots, 0);
        self.processed.resize(slots, 0);
    }

    pub fn restore(&mut self, slot: usize, next: i64) {
        self.positions[slot] = next;
        self.written[slot] = next;
    }
}

/// A changed position that is to be written to the file.
#[derive(Debug)]
pub struct Change {
    pub group: Arc<str>,
    pub partition: Partition,
    pub next: i64,
}

impl State {
    /// Returns the positions that differ from the file, and marks them as written.
    pub fn take_changes(&mut self) -> Vec<Change> {
        self.write_requested = false;
        let mut changes = Vec::new();
        for (name, group) in &mut self.groups {
            for (slot, (next, written)) in group.positions.iter().zip(&mut group.written).enumerate() {
                if next != written {
                    *written = *next;
                    let partition = self.topics.partition(slot).clone();
                    changes.push(Change { group: name.clone(), partition, next: *next });
                }
            }
        }
        changes
    }

    /// Marks the positions as not written, after a failed write.
    pub fn mark_unwritten(&mut self, changes: &[Change]) {
        for change in changes {
            let Some(slot) = self.topics.slot(&change.partition) else { continue };
            if let Some(group) = self.groups.get_mut(&change.group) {
                group.written[slot] = -1;
            }
        }
    }
}
