//! A consumer group: how far it has come.

use std::{collections::HashMap, sync::Arc};

use super::shared::State;
use crate::Partition;

/// Everything is indexed by slot.
#[derive(Debug)]
pub struct Group {
    /// It has a member.
    pub open: bool,
    /// Everything before is dealt with. 0: it begins with the oldest.
    pub positions: Vec<i64>,
    /// As stored in the file.
    written: Vec<i64>,
    /// Records dealt with since the log was opened.
    pub dealt: Vec<i64>,
    /// Lag = this + appended − dealt. Absent until somebody asks.
    pub behind: HashMap<usize, i64>,
}

impl Group {
    pub fn new(slots: usize) -> Self {
        Self {
            open: false,
            positions: vec![0; slots],
            written: vec![0; slots],
            dealt: vec![0; slots],
            behind: HashMap::new(),
        }
    }

    pub fn resize(&mut self, slots: usize) {
        self.positions.resize(slots, 0);
        self.written.resize(slots, 0);
        self.dealt.resize(slots, 0);
    }

    pub fn restore(&mut self, slot: usize, next: i64) {
        self.positions[slot] = next;
        self.written[slot] = next;
    }
}

/// A position on its way to the file.
#[derive(Debug)]
pub struct Change {
    pub group: Arc<str>,
    pub partition: Partition,
    pub next: i64,
}

impl State {
    /// Positions that the file doesn't have yet.
    pub fn take_changes(&mut self) -> Vec<Change> {
        self.nudged = false;
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

    /// The file doesn't have them after all.
    pub fn put_back(&mut self, changes: &[Change]) {
        for change in changes {
            let Some(slot) = self.topics.slot(&change.partition) else { continue };
            if let Some(group) = self.groups.get_mut(&change.group) {
                group.written[slot] = -1;
            }
        }
    }
}
