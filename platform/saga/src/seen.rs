//! Which events an aggregate's row has decided about: a small column of the row, so that it costs no row of its own, is locked with
//! the aggregate, and goes back with it when the transaction rolls back.
//!
//! The events of an aggregate carry a sequence 1, 2, 3 … per topic, given under the lock of the producer's row. `Seen` keeps, per
//! topic, the highest sequence decided, a digest of that event's id, and a bit for each of the 64 sequences below.

use sea_orm::{
    ColIdx, DbErr, QueryResult, TryGetError, TryGetable,
    sea_query::{ArrayType, ColumnType, Nullable, Value, ValueType, ValueTypeErr},
};
use uuid::Uuid;

/// Sequences below the highest that are distinguished, and above it that are plausible.
const WINDOW: u64 = 64;

/// A column, empty for a new row. (`NULL` in rows of programs before it; those look repeats up in the inbox.)
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Seen(Vec<Topic>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Topic {
    /// FNV-1a of the topic's name. A service subscribes to a handful of topics.
    name: u32,
    highest: u64,
    /// The two halves of the highest event's id, XORed.
    id: u64,
    /// Bit n: the sequence `highest - 1 - n` is decided.
    below: u64,
}

/// What `Seen` knows about an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sighting {
    /// Not decided yet.
    New,
    /// Decided before.
    Repeat,
    /// The sequence cannot be right: state decides.
    Strange(&'static str),
}

impl Seen {
    /// Whether the event with this sequence and id on this topic is decided. Sequence 0: its producer gives none, state decides.
    pub fn sighting(&self, topic: &str, sequence: u64, id: Uuid) -> Sighting {
        let Some(topic) = self.topic(topic) else {
            return if sequence > WINDOW { Sighting::Strange(JUMP) } else { Sighting::New };
        };
        match sequence {
            0 => Sighting::New,
            _ if sequence > topic.highest + WINDOW => Sighting::Strange(JUMP),
            _ if sequence > topic.highest => Sighting::New,
            _ if sequence == topic.highest && topic.id != digest(id) => {
                Sighting::Strange("a second event has its sequence")
            }
            _ if sequence == topic.highest => Sighting::Repeat,
            _ if topic.highest - sequence > WINDOW => Sighting::Repeat,
            _ if topic.below & (1 << (topic.highest - sequence - 1)) != 0 => Sighting::Repeat,
            _ => Sighting::New,
        }
    }

    /// The event is decided. What is strange changes nothing: one forged sequence must not turn all later events into repeats.
    pub fn mark(&mut self, topic: &str, sequence: u64, id: Uuid) {
        if sequence == 0 || self.sighting(topic, sequence, id) != Sighting::New {
            return;
        }
        let name = hash(topic);
        let Some(topic) = self.0.iter_mut().find(|it| it.name == name) else {
            self.0.push(Topic { name, highest: sequence, id: digest(id), below: 0 });
            return;
        };
        if sequence < topic.highest {
            topic.below |= 1 << (topic.highest - sequence - 1);
            return;
        }
        let step = sequence - topic.highest; // at most `WINDOW`
        let before = if step == WINDOW { 0 } else { topic.below << step };
        topic.below = before | (1 << (step - 1));
        (topic.highest, topic.id) = (sequence, digest(id));
    }

    fn topic(&self, topic: &str) -> Option<&Topic> {
        let name = hash(topic);
        self.0.iter().find(|it| it.name == name)
    }

    /// Per topic: name (4 bytes), id (8), bits (8), all little-endian, then the highest sequence in groups of seven bits.
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(21 * self.0.len());
        for topic in &self.0 {
            bytes.extend(topic.name.to_le_bytes());
            bytes.extend(topic.id.to_le_bytes());
            bytes.extend(topic.below.to_le_bytes());
            let mut rest = topic.highest;
            while rest >= 0x80 {
                bytes.push(rest.to_le_bytes()[0] | 0x80);
                rest >>= 7;
            }
            bytes.push(rest.to_le_bytes()[0]);
        }
        bytes
    }

    fn decode(mut bytes: &[u8]) -> Option<Self> {
        let mut topics = vec![];
        while !bytes.is_empty() {
            let (name, rest) = bytes.split_first_chunk()?;
            let (id, rest) = rest.split_first_chunk()?;
            let (below, mut rest) = rest.split_first_chunk()?;
            let mut highest = 0;
            for shift in (0..64).step_by(7) {
                let (byte, after) = rest.split_first()?;
                rest = after;
                highest |= u64::from(byte & 0x7f) << shift;
                if byte & 0x80 == 0 {
                    break;
                }
            }
            let (name, id, below) = (u32::from_le_bytes(*name), u64::from_le_bytes(*id), u64::from_le_bytes(*below));
            topics.push(Topic { name, highest, id, below });
            bytes = rest;
        }
        Some(Self(topics))
    }
}

const JUMP: &str = "its sequence is far above all before";

fn hash(topic: &str) -> u32 {
    topic.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

fn digest(id: Uuid) -> u64 {
    let (high, low) = id.as_u64_pair();
    high ^ low
}

impl From<Seen> for Value {
    fn from(seen: Seen) -> Self {
        Self::Bytes(Some(seen.encode()))
    }
}

impl TryGetable for Seen {
    fn try_get_by<I: ColIdx>(row: &QueryResult, column: I) -> Result<Self, TryGetError> {
        let bytes = Option::<Vec<u8>>::try_get_by(row, column)?.unwrap_or_default();
        Self::decode(&bytes).ok_or_else(|| TryGetError::DbErr(DbErr::Type("`seen` cannot be read".into())))
    }
}

impl ValueType for Seen {
    fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
        match value {
            Value::Bytes(bytes) => Self::decode(&bytes.unwrap_or_default()).ok_or(ValueTypeErr),
            _ => Err(ValueTypeErr),
        }
    }
    fn type_name() -> String {
        "Seen".into()
    }
    fn array_type() -> ArrayType {
        ArrayType::Bytes
    }
    fn column_type() -> ColumnType {
        ColumnType::Blob
    }
}

impl Nullable for Seen {
    fn null() -> Value {
        Value::Bytes(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: &str = "payment-updates";

    fn id(number: u64) -> Uuid {
        Uuid::from_u128(u128::from(number))
    }

    fn marked(sequences: impl IntoIterator<Item = u64>) -> Seen {
        let mut seen = Seen::default();
        sequences.into_iter().for_each(|sequence| seen.mark(T, sequence, id(sequence)));
        seen
    }

    fn sighting(seen: &Seen, sequence: u64) -> Sighting {
        seen.sighting(T, sequence, id(sequence))
    }

    #[test]
    fn what_is_marked_is_a_repeat_in_whatever_order() {
        for order in [[1, 2, 3, 4], [4, 3, 2, 1], [2, 1, 4, 3], [3, 1, 2, 4]] {
            for end in 0..4 {
                let seen = marked(order.iter().copied().take(end));
                for sequence in 1..=4 {
                    let wanted = if order[..end].contains(&sequence) { Sighting::Repeat } else { Sighting::New };
                    assert_eq!(sighting(&seen, sequence), wanted, "{sequence} of {:?}", &order[..end]);
                }
            }
        }
    }

    #[test]
    fn the_window_holds_the_sixty_four_below_the_highest() {
        let seen = marked([1, 2, 60, 70]);
        assert_eq!(sighting(&seen, 60), Sighting::Repeat);
        assert_eq!(sighting(&seen, 6), Sighting::New, "the lowest in the window");
        assert_eq!(sighting(&seen, 5), Sighting::Repeat, "below the window everything is taken for a repeat");
        let seen = marked((1..=64).chain([128]));
        assert_eq!(sighting(&seen, 64), Sighting::Repeat);
        assert_eq!(sighting(&seen, 65), Sighting::New);
    }

    #[test]
    fn a_jump_is_strange_and_marks_nothing() {
        let mut seen = marked([1]);
        for sequence in [66, 1_000_000_000, u64::MAX] {
            assert!(matches!(sighting(&seen, sequence), Sighting::Strange(_)));
            seen.mark(T, sequence, id(sequence));
        }
        assert_eq!(seen, marked([1]));
        assert!(matches!(sighting(&Seen::default(), 65), Sighting::Strange(_)), "also as the first");
        assert_eq!(sighting(&seen, 65), Sighting::New);
    }

    #[test]
    fn the_highest_sequence_with_another_id_is_strange() {
        let seen = marked([1, 2]);
        assert!(matches!(seen.sighting(T, 2, id(7)), Sighting::Strange(_)));
        assert_eq!(seen.sighting(T, 2, id(2)), Sighting::Repeat);
    }

    #[test]
    fn topics_are_apart_and_no_sequence_is_new() {
        let mut seen = marked([1, 2, 3]);
        assert_eq!(seen.sighting("catalog", 3, id(3)), Sighting::New);
        seen.mark(T, 0, id(9));
        assert_eq!((seen.sighting(T, 0, id(9)), &seen), (Sighting::New, &marked([1, 2, 3])));
    }

    #[test]
    fn it_is_stored_in_few_bytes_and_read_again() {
        let mut seen = marked([1, 2, 4]);
        seen.mark("catalog", 50, id(50));
        let bytes = seen.encode();
        assert_eq!(bytes.len(), 42);
        assert_eq!(Seen::decode(&bytes), Some(seen));
        assert_eq!(Seen::decode(&[]), Some(Seen::default()));
        assert_eq!(Seen::decode(&bytes[..20]), None);
        let large = Seen(vec![Topic { name: 1, highest: u64::MAX, id: 2, below: 3 }]);
        assert_eq!(Seen::decode(&large.encode()), Some(large));
    }
}
