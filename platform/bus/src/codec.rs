//! Encodes a list of messages as one blob: a row of the embedded log, or of an outbox.
//!
//! ```text
//! blob   = 1 (the version, one byte), count, record …
//!        | 2, length of the decompressed blob, LZ4 block
//! record = topic (name), key (bytes), number of headers, (name, bytes) …, value (bytes)
//! bytes  = length, bytes
//! name   = index in the dictionary of names; at the first occurrence of a name: also bytes (UTF-8)
//! ```
//! Numbers are LEB128. Topics and header names have a dictionary each. Blobs are stored, so a change
//! of the format needs a new version, and the decoder must keep reading the old versions.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use bytes::Bytes;

use super::{Message, Outgoing};

const PLAIN: u8 = 1;
const PACKED: u8 = 2;
/// Shorter blobs are stored uncompressed.
const MIN_PACKED: usize = 256;
/// Upper bound of LZ4's compression ratio. A larger claimed length is damage and is not allocated.
const MAX_RATIO: usize = 255;

/// The reason why a blob cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    #[error("messages in format {0}, which this version doesn't know")]
    Version(u8),
    #[error("messages are damaged at byte {0}")]
    Damaged(usize),
}

/// Encodes the messages as one blob. Long blobs are compressed: events resemble each other, and a
/// database writes each byte several times (journal, page, vacuum), which costs more than LZ4.
pub fn encode<'a>(messages: impl ExactSizeIterator<Item = (&'a str, &'a Message)> + Clone) -> Vec<u8> {
    let size: usize = messages.clone().map(|(_, message)| message.size() + 16).sum();
    let mut blob = Vec::with_capacity(size + 64);
    let (mut topics, mut names) = (Dictionary::default(), Dictionary::default());
    blob.push(PLAIN);
    put_number(&mut blob, messages.len());
    for (topic, message) in messages {
        topics.put(&mut blob, topic);
        put_bytes(&mut blob, &message.key);
        put_number(&mut blob, message.headers.len());
        for (name, value) in &message.headers {
            names.put(&mut blob, name);
            put_bytes(&mut blob, value);
        }
        put_bytes(&mut blob, &message.value);
    }
    if blob.len() < MIN_PACKED { blob } else { pack(&blob) }
}

/// Encodes a slice of messages; see [`encode`].
pub fn encode_all(messages: &[Outgoing]) -> Vec<u8> {
    encode(messages.iter().map(|it| (&*it.topic, &*it.message)))
}

fn pack(blob: &[u8]) -> Vec<u8> {
    let mut packed = vec![PACKED];
    put_number(&mut packed, blob.len());
    packed.extend(lz4_flex::block::compress(blob));
    packed
}

fn unpack(blob: Bytes) -> Result<Bytes, CodecError> {
    let mut reader = Reader { blob, at: 1 };
    let length = reader.number()?;
    let block = &reader.blob[reader.at..];
    if length > block.len().saturating_mul(MAX_RATIO) {
        return Err(reader.damaged()); // before allocating
    }
    match lz4_flex::block::decompress(block, length) {
        Ok(plain) if plain.len() == length && plain.first() == Some(&PLAIN) => Ok(plain.into()),
        _ => Err(reader.damaged()),
    }
}

/// Reverses `encode`. Keys and values are slices of the (decompressed) blob and keep it in memory.
pub fn decode(blob: Bytes) -> Result<Vec<Outgoing>, CodecError> {
    let blob = match blob.first() {
        Some(&PLAIN) => blob,
        Some(&PACKED) => unpack(blob)?,
        Some(&other) => return Err(CodecError::Version(other)),
        None => return Err(CodecError::Damaged(0)),
    };
    let mut reader = Reader { blob, at: 1 };
    let (mut topics, mut names) = (Vec::<Arc<str>>::new(), Vec::<Cow<'static, str>>::new());
    let count = reader.count(4)?; // topic, key, headers and value take at least one byte each
    let mut messages = Vec::with_capacity(count);
    for _ in 0..count {
        let topic = reader.name(&mut topics, |it| Arc::from(it))?;
        let key = reader.bytes()?;
        let count = reader.count(2)?;
        let mut headers = Vec::with_capacity(count);
        for _ in 0..count {
            headers.push((reader.name(&mut names, header_name)?, reader.bytes()?));
        }
        let message = Arc::new(Message { key, headers, value: reader.bytes()? });
        messages.push(Outgoing { topic, message });
    }
    if reader.at == reader.blob.len() { Ok(messages) } else { Err(reader.damaged()) }
}

/// Returns the known header names without an allocation.
pub(super) fn header_name(name: &str) -> Cow<'static, str> {
    const USUAL: [&str; 12] = [
        "ce_specversion",
        "ce_id",
        "ce_type",
        "ce_source",
        "ce_time",
        "ce_subject",
        "ce_sequence",
        "ce_dataschema",
        "ce_correlationid",
        "content-type",
        "traceparent",
        "tracestate",
    ];
    match USUAL.into_iter().find(|usual| *usual == name) {
        Some(usual) => Cow::Borrowed(usual),
        None => Cow::Owned(name.to_owned()),
    }
}

/// The names written so far, with their indexes.
#[derive(Default)]
struct Dictionary<'a> {
    names: Vec<&'a str>,
    index: HashMap<&'a str, usize>,
    /// The expected index of the next name: records of a batch mostly repeat their names in the same order.
    likely: usize,
}

impl<'a> Dictionary<'a> {
    fn put(&mut self, blob: &mut Vec<u8>, name: &'a str) {
        let known = match self.names.get(self.likely) {
            Some(likely) if *likely == name => Some(self.likely),
            _ => self.index.get(name).copied(),
        };
        let index = known.unwrap_or(self.names.len());
        put_number(blob, index);
        if known.is_none() {
            put_bytes(blob, name.as_bytes());
            self.names.push(name);
            self.index.insert(name, index);
        }
        self.likely = if index + 1 < self.names.len() { index + 1 } else { 0 };
    }
}

#[expect(clippy::cast_possible_truncation, reason = "seven bits at a time is the point")]
fn put_number(blob: &mut Vec<u8>, number: usize) {
    let mut rest = number as u64;
    while rest >= 0x80 {
        blob.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    blob.push(rest as u8);
}

fn put_bytes(blob: &mut Vec<u8>, bytes: &[u8]) {
    put_number(blob, bytes.len());
    blob.extend_from_slice(bytes);
}

struct Reader {
    blob: Bytes,
    at: usize,
}

impl Reader {
    fn damaged(&self) -> CodecError {
        CodecError::Damaged(self.at)
    }

    fn byte(&mut self) -> Result<u8, CodecError> {
        let byte = *self.blob.get(self.at).ok_or(self.damaged())?;
        self.at += 1;
        Ok(byte)
    }

    fn number(&mut self) -> Result<usize, CodecError> {
        let mut number = 0_u64;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return usize::try_from(number).map_err(|_| self.damaged());
            }
        }
        Err(self.damaged())
    }

    /// Reads the number of items that follow, each of at least `size` bytes. Rejects a count that exceeds
    /// the rest of the blob, so that a damaged count does not allocate memory.
    fn count(&mut self, size: usize) -> Result<usize, CodecError> {
        let count = self.number()?;
        if count <= (self.blob.len() - self.at) / size { Ok(count) } else { Err(self.damaged()) }
    }

    fn bytes(&mut self) -> Result<Bytes, CodecError> {
        let length = self.count(1)?;
        let start = self.at;
        self.at += length;
        Ok(self.blob.slice(start..self.at))
    }

    fn name<T: Clone>(&mut self, names: &mut Vec<T>, make: impl FnOnce(&str) -> T) -> Result<T, CodecError> {
        let index = self.number()?;
        if index == names.len() {
            let bytes = self.bytes()?;
            names.push(make(std::str::from_utf8(&bytes).map_err(|_| self.damaged())?));
        }
        names.get(index).cloned().ok_or(self.damaged())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn some_bytes() -> impl Strategy<Value = Bytes> {
        prop::collection::vec(any::<u8>(), 0..200).prop_map(Bytes::from)
    }

    fn messages() -> impl Strategy<Value = Vec<Outgoing>> {
        let name = prop_oneof!["ce_id", "ce_type", "[a-c]{0,2}", "\\PC{0,9}"].prop_map(Cow::Owned);
        let headers = prop::collection::vec((name, some_bytes()), 0..6);
        let message = (some_bytes(), headers, some_bytes())
            .prop_map(|(key, headers, value)| Arc::new(Message { key, headers, value }));
        let outgoing = ("[a-d]{0,1}", message).prop_map(|(topic, message)| Outgoing { topic: topic.into(), message });
        prop::collection::vec(outgoing, 0..20)
    }

    proptest! {
        #[test]
        fn reads_what_it_writes(messages in messages()) {
            prop_assert_eq!(decode(encode_all(&messages).into()), Ok(messages));
        }

        #[test]
        fn a_truncated_blob_is_damage(messages in messages(), cut in any::<prop::sample::Index>()) {
            let blob = encode_all(&messages);
            let shorter = Bytes::copy_from_slice(&blob[..cut.index(blob.len())]);
            prop_assert!(matches!(decode(shorter), Err(CodecError::Damaged(_))));
        }

        #[test]
        fn damage_never_panics(messages in messages(), places in prop::collection::vec(any::<(prop::sample::Index, u8)>(), 1..5)) {
            let mut blob = encode_all(&messages);
            for (place, byte) in places {
                let place = place.index(blob.len());
                blob[place] = byte;
            }
            let _ = decode(blob.into());
        }

        #[test]
        fn noise_never_panics(version in PLAIN..=PACKED, mut noise in prop::collection::vec(any::<u8>(), 1..400)) {
            noise[0] = version;
            let _ = decode(noise.into());
        }
    }

    #[test]
    fn another_format_is_named() {
        assert_eq!(decode(Bytes::from_static(&[9, 0])), Err(CodecError::Version(9)));
    }

    #[test]
    fn trailing_bytes_are_damage() {
        assert_eq!(decode(Bytes::from_static(&[PLAIN, 0, 0])), Err(CodecError::Damaged(2)));
    }

    #[test]
    fn a_huge_count_allocates_nothing() {
        let blob = Bytes::from_static(&[PLAIN, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
        assert!(matches!(decode(blob), Err(CodecError::Damaged(_))));
    }

    #[test]
    fn the_stored_format_stays() {
        let message = Message {
            key: Bytes::from_static(b"k"),
            headers: vec![("h".into(), Bytes::from_static(b"1")), ("h".into(), Bytes::new())],
            value: Bytes::from_static(b"vv"),
        };
        let one = Outgoing { topic: "t".into(), message: Arc::new(message) };
        let expected = b"\x01\x02\
            \x00\x01t\x01k\x02\x00\x01h\x011\x00\x00\x02vv\
            \x00\x01k\x02\x00\x011\x00\x00\x02vv";
        assert_eq!(encode_all(&[one.clone(), one]), expected);
    }

    #[test]
    fn long_blobs_are_packed_and_plain_blobs_are_still_read() {
        let message = Message { value: Bytes::from(vec![7; 1000]), ..Message::default() };
        let messages = vec![Outgoing { topic: "t".into(), message: Arc::new(message) }; 3];
        let blob = encode_all(&messages);
        assert!(blob.len() < 100 && blob[0] == PACKED, "{} bytes", blob.len());
        let plain = unpack(blob.into()).unwrap();
        assert_eq!(plain[0], PLAIN);
        assert_eq!(decode(plain), Ok(messages));
    }

    #[test]
    fn the_stored_packed_format_stays() {
        let plain = b"\x01\x01\x00\x01t\x01k\x00\x02vv";
        let mut blob = vec![PACKED, 11, 0xb0]; // LZ4: eleven literals and nothing else
        blob.extend(plain);
        let message = Message { key: Bytes::from_static(b"k"), headers: vec![], value: Bytes::from_static(b"vv") };
        assert_eq!(decode(blob.into()), Ok(vec![Outgoing { topic: "t".into(), message: Arc::new(message) }]));
    }

    #[test]
    fn a_block_that_claims_to_be_huge_is_not_allocated_for() {
        let blob = Bytes::from_static(&[PACKED, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 1, 2, 3]);
        assert!(matches!(decode(blob), Err(CodecError::Damaged(_))));
    }

    #[test]
    fn values_are_slices_of_the_blob() {
        let message = Message { value: Bytes::from(vec![7; 100]), ..Message::default() };
        let blob = Bytes::from(encode_all(&[Outgoing { topic: "t".into(), message: Arc::new(message) }]));
        let read = decode(blob.clone()).unwrap();
        assert!(blob.as_ptr_range().contains(&read[0].message.value.as_ptr()));
    }
}
